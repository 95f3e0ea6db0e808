"""The style sheet of the pictures, light and dark: for SVG files, our HTML page and pages around them."""

from __future__ import annotations

from yamldag.render import colours

_RULES = """\
.ground{fill:var(--panel)}
.yamldag-graph text{fill:var(--text)}
.yamldag-graph .frame text,.yamldag-graph .aside,.yamldag-graph .about{fill:var(--soft)}
.frame-box,.shade{fill:var(--frame);stroke:var(--edge)}
.edges .line,.key .line{stroke:var(--ctl);fill:none}
.head{fill:var(--ctl);stroke:var(--ctl)}
.head .open{fill:var(--panel)}
.head .nofill{fill:none}
.yamldag-graph .icon{color:var(--soft)}
.box,.pile{fill:var(--panel);stroke:var(--ctl)}
.chip-box{fill:var(--panel);stroke:var(--ctl)}
.yamldag-graph .chip text,.key text{fill:var(--soft)}
.key .icon{color:var(--soft)}
[class*=state-] .box,[class*=state-] .pile{fill:var(--w);stroke:var(--f);stroke-width:1.2}
[class*=state-] .box{stroke-dasharray:none}
.yamldag-graph [class*=state-] .word{fill:var(--c)}
[class*=state-] .glyph{color:var(--c)}
.yamldag-graph .state-running .box{stroke-width:2}
.yamldag-graph .state-none .box{fill:var(--panel);stroke-dasharray:2 2.5}
.yamldag-graph .state-skipped .box,.yamldag-graph .state-removed .box{stroke-dasharray:2 3}
.yamldag-graph .state-up_for_retry .box,.yamldag-graph .state-upstream_failed .box{stroke-dasharray:6 2.5}
.yamldag-graph .state-failed .box{fill:var(--f)}
.yamldag-graph .task.state-failed>text,.yamldag-graph .task.state-failed>a>text{fill:var(--on)}
.yamldag-graph .task.state-failed .word{fill:var(--on)}
.yamldag-graph .task.state-failed .icon,.yamldag-graph .task.state-failed .glyph{color:var(--on)}"""


def sheet(themes: bool = False) -> str:
    """The rules. With `themes`, `data-theme` (`light` or `dark`) on the root overrules the system."""
    parts = [
        _theme("", dark=False),
        "@media (prefers-color-scheme:dark){\n" + _theme("", dark=True) + "\n}",
    ]
    if themes:
        parts += [_theme("[data-theme=light] ", dark=False), _theme("[data-theme=dark] ", dark=True)]
    return "\n".join([*parts, _RULES])


def _theme(scope: str, dark: bool) -> str:
    root = f"{scope}.yamldag-graph,{scope}.yamldag-page{{{colours.properties(dark)}}}"
    return f"{root}\n{colours.state_properties(dark, scope)}"
