"""A report as JUnit XML: a test case a column, so that any CI shows which ones failed.

Rule: what the gate does not fail on is no failure here either, but for drift: a column that drifts
fails its case, one that is not judged is skipped. Silent failures are a suite of their own.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from agent.report import words
from agent.report.content import Column, Report


def junit(report: Report) -> str:
    """The file."""
    suites = Element("testsuites", name="outrider report")
    for model in report.models:
        title = words.title_of(report, model)
        suite = SubElement(suites, "testsuite", name=f"drift of {title}")
        if not model.columns:
            case = SubElement(suite, "testcase", classname=title, name="is judged")
            SubElement(case, "skipped", message=model.reason or "nothing can be judged yet")
        for column in model.columns:
            _case(suite, title, column)
    if report.findings:
        suite = SubElement(suites, "testsuite", name="silent failures")
        for one in report.findings:
            of = words.titled(one.model, one.version)
            case = SubElement(suite, "testcase", classname=of, name=one.finding)
            if one.active:
                text = f"{one.means}; {one.do}"
                SubElement(case, "failure", message=text).text = f"example: {one.example}"
    for element in (*suites, suites):
        _count(element)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, "unicode") + "\n"


def _case(suite: Element, title: str, column: Column) -> None:
    case = SubElement(suite, "testcase", classname=f"{title}.{column.side}", name=column.name)
    if column.state == "drift":
        text = ", ".join(filter(None, (words.what(column) or column.note, words.how_far(column))))
        if column.acknowledged:
            SubElement(case, "skipped", message=f"acknowledged: {text}")
        else:
            SubElement(case, "failure", message=text, type="drift").text = _more(column)
    elif column.state == "insufficient":
        SubElement(case, "skipped", message=column.note or "not enough rows")
    if column.missing_rose:
        told = f"missing {words.change(column.missing)}, invalid {words.change(column.invalid)}"
        SubElement(case, "system-out").text = told


def _more(column: Column) -> str:
    lines = [f"score / threshold: {words.how_sure(column)}"]
    if column.since is not None:
        lines.append(f"since {words.when(column.since)}")
    lines += (f"request {one.request_id}" for one in column.examples[:5])
    return "\n".join(lines)


def _count(element: Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("skipped", "skipped")):
        element.set(key, str(sum(case.find(tag) is not None for case in cases)))
    element.set("errors", "0")
