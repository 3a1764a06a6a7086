from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy.dialects import postgresql, sqlite

from callwright.store.tables import Moment, calls, metadata

LITE, POSTGRES = sqlite.dialect(), postgresql.dialect()


def test_moments_sort_as_text_and_come_back_aware() -> None:
    whole = datetime(2026, 1, 31, 10, 0, 0, tzinfo=UTC)
    late = datetime(2026, 1, 31, 11, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    bound = [Moment().process_bind_param(moment, LITE) for moment in (whole, late)]
    assert bound == ["2026-01-31 10:00:00.000000Z", "2026-01-31 10:00:00.000001Z"]
    assert Moment().process_result_value(bound[1], LITE) == late
    assert Moment().process_bind_param(None, LITE) is None


def test_moments_stay_as_they_are_where_the_database_knows_zones() -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    assert Moment().process_bind_param(moment, POSTGRES) is moment
    assert Moment().process_result_value(moment, POSTGRES) is moment


def test_only_keys_are_required() -> None:
    assert {c.name for t in metadata.tables.values() for c in t.columns if not c.nullable} == {
        c.name for t in metadata.tables.values() for c in t.primary_key
    }
    assert calls.c["from"].nullable
