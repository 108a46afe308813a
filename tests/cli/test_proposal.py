"""`kastor proposal`: what somebody sees who is to decide, and what comes of it."""

from __future__ import annotations

import json

from kastor.client import KastorClient, writes
from kastor.testing import KastorServer
from tests.contract.models import M, building
from tests.system.program import invoked


def test_a_proposal_is_listed_shown_approved_and_rejected() -> None:
    with KastorServer() as server, KastorClient(server.url) as client:
        url = {"KASTOR_URL": server.url}
        client.models.upload([M])
        client.twins.put("T", building(AverageTemperature=68))
        patch = [{"op": "replace", "path": "/AverageTemperature", "value": 70}]
        made = client.proposals.propose(
            [writes.patch_twin("T", patch), writes.put_twin("N", building())], "It is warmer."
        )
        gone = client.proposals.propose([writes.delete_twin("T")], "It was pulled down.")

        listed = invoked("proposal", "list", **url)
        assert listed.returncode == 0, listed.stderr
        assert made["id"] in listed.stdout
        assert "It was pulled down." in listed.stdout
        shown = invoked("proposal", "show", made["id"], **url)
        assert shown.returncode == 0, shown.stderr
        head, by, _, *rows = shown.stdout.splitlines()
        assert head == "open: It is warmer."
        assert by.startswith("proposed by anonymous, until 20")
        assert rows[0].split() == ["changed", "twin", "T", "/AverageTemperature", "68", "70"]
        assert rows[1].split()[:3] == ["added", "twin", "N"]
        whole = invoked("proposal", "show", made["id"], "--output", "json", **url)
        assert json.loads(whole.stdout)[0]["diff"] == made["diff"]

        approved = invoked("proposal", "approve", gone["id"], **url)
        assert approved.stdout.startswith("Approved. anonymous applies it until 20")
        assert client.proposals.get(gone["id"])["approvedBy"] == "anonymous"
        assert invoked("proposal", "reject", gone["id"], **url).stdout == "Rejected.\n"
        assert client.proposals.apply(made["id"], made["token"]).succeeded == 2
        history = invoked("history", "show", "T", **url).stdout.splitlines()
        assert history[1].split()[3:] == ["anonymous", "created"]
        assert "anonymous, by a proposal" in history[2]
        assert history[2].endswith("AverageTemperature = 70 (It is warmer.)")
        too_late = invoked("proposal", "reject", made["id"], **url)
        assert (too_late.returncode, too_late.stdout) == (4, "")
        assert "applied already" in too_late.stderr
        assert invoked("proposal", "list", **url).stdout == "No open proposals.\n"
