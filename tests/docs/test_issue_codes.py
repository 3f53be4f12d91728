"""The page of issue codes is what the sources say, and names every code that they use."""

import importlib.util
import re
from pathlib import Path

import ernsnn as ern

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("issue_codes", ROOT / "docs" / "issue_codes.py")
issue_codes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(issue_codes)


def test_the_page_is_up_to_date() -> None:
    assert issue_codes.PAGE.read_text() == issue_codes.page(), "run: python docs/issue_codes.py"


def test_every_code_that_is_used_has_a_meaning() -> None:
    listed = [code for codes in issue_codes.tables().values() for code in codes]
    assert len(listed) == len(set(listed)) > 70
    assert issue_codes.used() <= set(listed)


def test_the_table_has_the_fidelity_that_a_check_tells() -> None:
    net = ern.Network(current_integration="exact")
    source, cells = net.population("source", 2, ern.Poisson(10)), net.population("cells", 2, ern.AdaptiveLIF())
    net.signal("reward", times_ms=[0], values=[1.0])
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01)
    net.projection("plastic", source, cells, weight_nA=0.1, delay_ms=99, learning=rule)
    net.freeze(10, 20)
    fidelity = {code: f for codes in issue_codes.tables().values() for code, (f, _) in codes.items()}
    issues = [i for name in ("brian2", "native", "lava", "nest", "lava-float") for i in ern.check(net, name)]
    assert {i.code[0] for i in issues} >= {"B", "L", "N", "P"}
    for issue in issues:
        assert issue.fidelity == fidelity[issue.code], issue
    rows = re.findall(r"^\| ([A-Z]\d{3}) \| (\w+) \|", issue_codes.PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == fidelity
