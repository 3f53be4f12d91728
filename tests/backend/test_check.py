"""``Backend.check`` makes issues of limits, once: whose they are, and how much they matter."""

from __future__ import annotations

import pytest

import ernsnn as ern
from ernsnn.backend.issues import Limit
from ernsnn.backend.registry import get_backend


class Small(ern.Backend):
    """Has room for two neurons."""

    name, description = "small", "two neurons"
    codes = {"Z101": ("approximate", "rounds"), "Z301": ("unsupported", "more than two neurons")}  # noqa: RUF012

    def run(self, graph, n_steps, progress, **options):
        raise NotImplementedError

    @staticmethod
    def room(graph):
        for p in graph.populations:
            yield Limit("Z101", f"{p.name}.tau_m_ms", "rounded", error=0.25)
            if p.size > 2:
                yield Limit("Z301", p.name, f"has {p.size} neurons", "take fewer")

    @staticmethod
    def whole(graph):
        yield ern.Issue(backend="another", code="Y999", path=graph.name, fidelity="exact", message="as it is")

    capabilities = (room, whole)


def network(size):
    net = ern.Network(name="net")
    net.population("cells", size, ern.LIF(i_offset_nA=5.0))
    return net


def test_a_limit_becomes_an_issue_of_the_backend_with_the_fidelity_of_its_code():
    assert [i for i in Small().check(ern.lower(network(3))) if i.code[0] == "Z"] == [
        ern.Issue(
            backend="small",
            code="Z301",
            path="cells",
            fidelity="unsupported",
            message="has 3 neurons",
            remedy="take fewer",
        ),
        ern.Issue(
            backend="small",
            code="Z101",
            path="cells.tau_m_ms",
            fidelity="approximate",
            message="rounded",
            error=0.25,
        ),
    ]


def test_limits_that_any_backend_has_are_its_own_too():
    net = network(1)
    net.population("crowded", 1, ern.Poisson(200.0))
    (found,) = (i for i in Small().check(ern.lower(net)) if i.code == "G202")
    assert (found.backend, found.fidelity) == ("small", "approximate")


def test_an_issue_of_a_backend_elsewhere_stays_as_it_is():
    (found,) = (i for i in Small().check(ern.lower(network(1))) if i.code == "Y999")
    assert found.backend == "another"


def test_what_is_required_is_told_with_its_code():
    with pytest.raises(ern.UnsupportedOnBackend, match=r"(?s)small cannot run net:.*Z301 .*unsupported.*has 3 neurons"):
        Small().require(ern.lower(network(3)))


@pytest.mark.parametrize(
    ("name", "given"), [("brian2", {"target": "cythno"}), ("brian2", {"threads": -1}), ("nest", {"threads": 0})]
)
def test_options_are_held_to_what_there_is_also_where_nothing_is_run(name, given):
    with pytest.raises(ern.InvalidModel, match=f"{name}: {next(iter(given))} must be"):
        get_backend(name).compile(ern.lower(network(1)), 10, **given)
