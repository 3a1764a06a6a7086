"""Calls over a trunk that the account brings along (call-control reference §1.6, §7.7)."""

import pytest

from .line import Line, both

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="session")]

CALLEE = "+442071838750"


async def test_a_number_by_the_targets_of_its_policy(line: Line) -> None:
    """The gateway with the lowest priority is asked first; the trunk of the configuration file is not asked at all."""
    rest, gateway, carrier = line.daemon.rest, await line.gateway(), await line.phone("pbx")
    policy = await rest.do(lambda client: client.voice.v1.connection_policies.create(friendly_name="mine"))
    targets = [(f"sip:{carrier.address}:{carrier.port}", 1), (f"sip:{gateway.address}:{gateway.port}", 2)]
    for uri, priority in targets:
        await rest.go(
            lambda client, uri=uri, priority=priority: client.voice.v1.connection_policies(
                policy.sid
            ).targets.create_async(target=uri, priority=priority)
        )
    trunk = await rest.do(lambda client: client.voice.v1.byoc_trunks.create(connection_policy_sid=policy.sid))
    line.on("/done", "<Hangup/>")
    call = await line.call(f'<Dial action="/done"><Number byoc="{trunk.sid}">{CALLEE}</Number></Dial>')
    callee = await carrier.incoming()
    assert callee.to_user == CALLEE
    await callee.answer()
    await call.answered()
    await both(call, callee)
    await callee.hangup()
    done = (await line.request("/done")).form
    assert (done["DialCallStatus"], done["DialBridged"]) == ("completed", "true")


async def test_a_trunk_that_the_account_does_not_have(line: Line) -> None:
    """The call is not sent another way: that might be another carrier's bill."""
    line.on("/done", "<Hangup/>")
    sid = "BY" + "0" * 32
    await line.call(f'<Dial action="/done"><Number byoc="{sid}">{line.dialled()}</Number></Dial>')
    assert (await line.request("/done")).form["DialCallStatus"] == "failed"
    await line.warned(32400)
    line.allowed.append("code=32400")


async def test_a_participant_by_a_trunk_of_ones_own(line: Line) -> None:
    rest, carrier = line.daemon.rest, await line.phone("pbx")
    uri = f"sip:{carrier.address}:{carrier.port}"
    policy = await rest.do(lambda client: client.voice.v1.connection_policies.create())
    await rest.do(lambda client: client.voice.v1.connection_policies(policy.sid).targets.create(target=uri))
    trunk = await rest.do(lambda client: client.voice.v1.byoc_trunks.create(connection_policy_sid=policy.sid))
    invited = await rest.do(
        lambda client: client.conferences(f"byoc {line.plan.index}").participants.create(
            from_=line.plan.number, to=CALLEE, byoc=trunk.sid
        )
    )
    callee = await carrier.incoming()
    assert callee.to_user == CALLEE
    await callee.answer()
    await line.daemon.logged(rf"{invited.call_sid} conference sid=")
    await callee.hangup()
