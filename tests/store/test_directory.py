import pytest

from callwright.errors import StoreError
from callwright.store.directory import Directory, Record
from callwright.store.store import Store

ONE, TWO = "AC" + "1" * 32, "AC" + "2" * 32
NUMBERS = "incoming_phone_numbers"


def number(text: str, account: str = ONE, **fields: str) -> Record:
    return Record.new("PN", NUMBERS, account, {"phone_number": text, **fields})


async def test_outlives_the_daemon(url: str) -> None:
    store = await Store.open(url)
    directory = await Directory.open(store, ())
    kept, gone = number("+1", friendly_name="a"), number("+2")
    part = Record.new("CR", "credentials", ONE, {"username": "x"}, parent_sid="CL1")
    await directory.change(kept, gone, part)
    changed = kept.changed(friendly_name="b")
    await directory.change(changed, delete=(gone,))
    await store.close()

    store = await Store.open(url)
    again = await Directory.open(store, ())
    assert again.get(NUMBERS, kept.sid) == changed
    assert again.all(NUMBERS) == (changed,)
    assert again.of("credentials", ONE, "CL1") == [part] and again.of("credentials", ONE, "CL2") == []
    await store.close()


async def test_looks_up_by_value_and_owner(url: str) -> None:
    store = await Store.open(url)
    directory = await Directory.open(store, ())
    one = number("+1")
    await directory.change(one, number("+2", TWO))
    assert directory.first(NUMBERS, "phone_number", "+1") == one
    assert [record["phone_number"] for record in directory.of(NUMBERS, TWO)] == ["+2"]
    moved = Record(one.sid, NUMBERS, TWO, {"phone_number": "+3"}, "", one.date_created, one.date_updated)
    await directory.change(moved)
    assert directory.first(NUMBERS, "phone_number", "+1") is None
    assert directory.first(NUMBERS, "phone_number", "+3") == moved
    assert directory.of(NUMBERS, ONE) == [] and moved in directory.of(NUMBERS, TWO)
    assert directory.get("applications", one.sid) is None, "it is of another kind"
    with pytest.raises(ValueError, match="not indexed"):
        directory.first(NUMBERS, "friendly_name", "x")
    await store.close()


async def test_the_file_goes_before_the_store(url: str, caplog: pytest.LogCaptureFixture) -> None:
    store = await Store.open(url)
    bought = number("+1")
    await (await Directory.open(store, ())).change(bought)
    declared = Record("PN" + "0" * 32, NUMBERS, TWO, {"phone_number": "+1"})
    directory = await Directory.open(store, [declared])
    assert [record.sid for record in directory.all(NUMBERS)] == [declared.sid]
    assert directory.all(NUMBERS)[0].declared
    assert bought.sid in caplog.text and declared.sid in caplog.text
    await store.close()


async def test_listeners_hear_what_is_and_what_changes(url: str) -> None:
    store = await Store.open(url)
    one = number("+1")
    directory = await Directory.open(store, [one])
    heard: list[tuple[str | None, str | None]] = []

    def listener(old: Record | None, new: Record | None) -> None:
        heard.append((old and old["phone_number"], new and new["phone_number"]))

    directory.listen(NUMBERS, listener)
    two = number("+2")
    await directory.change(two)
    await directory.change(two.changed(phone_number="+3"))
    await directory.change(delete=(two,))
    assert heard == [(None, "+1"), (None, "+2"), ("+2", "+3"), ("+3", None)]
    await store.close()


async def test_p3_what_cannot_be_written_is_taken_back(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await Store.open(url)
    directory = await Directory.open(store, ())
    kept, gone = number("+1", friendly_name="a"), number("+2")
    await directory.change(kept, gone)

    async def full() -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "flushed", full)
        for change in (
            directory.change(number("+3")),
            directory.change(kept.changed(friendly_name="b")),
            directory.change(delete=(gone,)),
        ):
            with pytest.raises(StoreError):
                await change
    assert [record["phone_number"] for record in directory.all(NUMBERS)] == ["+1", "+2"]
    assert directory.get(NUMBERS, kept.sid) == kept
    await store.close()
    store = await Store.open(url)
    again = await Directory.open(store, ())
    assert {record.sid: dict(record.fields) for record in again.all(NUMBERS)} == {
        kept.sid: {"phone_number": "+1", "friendly_name": "a"},
        gone.sid: {"phone_number": "+2"},
    }
    await store.close()


async def test_who_overhears_is_told_of_each_change_to_come(url: str) -> None:
    store = await Store.open(url)
    directory = await Directory.open(store, ())
    await directory.change(before := number("+1"))
    heard: list[tuple[Record | None, Record | None]] = []
    directory.overhear(lambda old, new: heard.append((old, new)))
    part = Record.new("CR", "credentials", ONE, {"username": "x"})
    changed = before.changed(friendly_name="b")
    await directory.change(part, changed)
    await directory.change(delete=(part,))
    assert heard == [(None, part), (before, changed), (part, None)]
    await store.close()
