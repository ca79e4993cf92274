"""What somebody may write into a name, a note, a channel or a column of an export.

Every input carries a mark (`x17x`) by which it can be found again, so that a test can tell that
nothing was lost, whatever was done to show it safely.
"""

from dataclasses import dataclass

__all__ = ["CORPUS", "Hostile", "core"]


@dataclass(frozen=True)
class Hostile:
    """One input: the words, the kind of attack, and the mark in them."""

    kind: str
    words: str
    mark: str


def core(words: str) -> str:
    """What an import must keep: all but blanks around it, and the kind of line end."""
    return words.replace("\r", "\n").strip(" \t\n\u200b\ufeff")


_RUN = "document.title='PWNED'"

_HTML = (
    f"<script>{_RUN}</script>",
    f"</td></tr></table><script>{_RUN}</script>",
    f"</style><script>{_RUN}</script>",
    f"</script><script>{_RUN}</script>",
    f"</title><script>{_RUN}</script>",
    f"</textarea><script>{_RUN}</script>",
    f"<scr<script>ipt>{_RUN}</scr</script>ipt>",
    f"<SCRIPT SRC=https://evil.example/x.js>{_RUN}</SCRIPT>",
    f'<img src=x onerror="{_RUN}">',
    f"<img src='https://evil.example/p.gif' onload={_RUN}>",
    '<img srcset="https://evil.example/a.png 1x">',
    f'<body onload="{_RUN}">',
    f"<details open ontoggle={_RUN}>",
    f"<input autofocus onfocus={_RUN}>",
    f"<video><source onerror={_RUN}></video>",
    f"<marquee onstart={_RUN}>",
    f'" onmouseover="{_RUN}" autofocus onfocus="{_RUN}" x="',
    f"' onmouseover='{_RUN}' x='",
    f"`onmouseover={_RUN}`",
    f'<a href="javascript:{_RUN}">click</a>',
    f'<a href="data:text/html,<script>{_RUN}</script>">click</a>',
    f'<iframe src="javascript:{_RUN}"></iframe>',
    '<iframe src="https://evil.example/"></iframe>',
    f'<iframe srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    '<object data="https://evil.example/x.swf"></object>',
    '<embed src="https://evil.example/x">',
    '<link rel="stylesheet" href="https://evil.example/x.css">',
    "<style>@import 'https://evil.example/x.css'; body{display:none}</style>",
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<base href="https://evil.example/">',
    '<form action="https://evil.example/"><button>send</button></form>',
    "<!-- <b>",
    "--> <b>",
    "<![CDATA[ <b> ]]>",
    "</body></html>",
    "<table><tr><td>",
    "</div></div></div></section></main>",
    "<plaintext>",
    "<xmp>",
    "<noscript><p title='</noscript><img src=x>'>",
    "<template><b>",
    f"<math><mtext><script>{_RUN}</script></mtext></math>",
    '<div style="position:fixed;inset:0;background:red">',
    '<div style="background:url(https://evil.example/x)">',
    "<p id='s1' class='ck-headline'>",
    "&lt;script&gt; &amp; &#x3C;b&#x3E;",
    "&#0; &nbsp; &copy;",
    "<b>bold</b> & <i>italic</i>",
    "5 < 6 > 4 & 3",
)
_SVG = (
    f"<svg onload={_RUN}>",
    f"<svg><script>{_RUN}</script></svg>",
    "<svg><use href='https://evil.example/x.svg#a'/></svg>",
    "<svg><image href='https://evil.example/x.png'/></svg>",
    f"<svg><a xlink:href='javascript:{_RUN}'><text>x</text></a></svg>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s></svg>",
    "<svg><foreignObject><iframe src='https://evil.example/'/></foreignObject></svg>",
    "]]></text></svg><b>",
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
)
_MARKDOWN = (
    "# A heading of mine",
    "![x](https://evil.example/p.png)",
    f"[click](javascript:{_RUN})",
    "[click][1]\n\n[1]: https://evil.example/",
    "<https://evil.example/>",
    "**bold** _italic_ `code` ~~gone~~",
    "```\ncode\n```",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "- a\n- b\n",
    "---\n\n---",
    "> quoted",
    "1. first",
    "\\*not italic\\*",
)
_TYPESETTING = (
    "\\input{/etc/passwd}",
    "\\write18{touch /tmp/pwned}",
    "\\immediate\\write18{ls}",
    "\\def\\x{\\x}\\x",
    "\\end{document}",
    "$\\frac{1}{0}$",
    "$x$ $$y$$ \\(z\\)",
    "$ unclosed",
    "% comment",
    "x_1^2 {a} ~ & # %",
    '#read("/etc/passwd")',
    '#import "/etc/passwd": *',
    '#panic("x")',
    "#let x = 1; #x",
    '#image("/etc/hostname")',
    "#while true {}",
    '#link("https://evil.example/")[x]',
    "#set page(width: 1pt)",
    "] } ) #",
    "*bold* _em_ `raw` = heading",
    "@label <label>",
    "// comment /* comment",
    '#eval("1 + 1")',
    '#sys.inputs #plugin("x")',
)
_FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("https://evil.example/","click")',
    '=IMPORTXML("https://evil.example/","//a")',
    '=WEBSERVICE("https://evil.example/")',
    "+1+1",
    "+cmd|' /C calc'!A0",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1,1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "'=1+1",
    '"=1+1"',
    ";=1+1",
    "＝1+1",
    "{=1+1}",
    "DDE (cmd;/C calc;1)",
)
_TERMINAL = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example/\x07link\x1b]8;;\x07",
    "\x1b[2J\x1b[H",
    "\x1bc",
    "\x9b31m",
    "a\x08\x08\x08b",
    "a\rb",
    "bell\x07",
    "del\x7f",
    "[bold red]rich[/bold red]",
    "[link=https://evil.example/]rich[/link]",
    "[/]",
)
_LETTERS = (
    "\u202egnp.exe",
    "\u2066abc\u2069",
    "\u200fשלום",
    "مرحبا بالعالم",
    "\u200b\u200bzero width\u200d",
    "\ufeffmark of order",
    "e\u0301" * 3,
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334A\u0334L\u0315G\u0351O",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "𠀀𠮷 龘靐",
    "王小明（客户）「备注」",
    "ﬁ ﬀ Ⅻ ①",
    "İıſK",
    "\u2028line\u2029paragraph",
    "\u0085next",
    "\x0bvertical\x0cfeed",
    "\x1e\x1f separators",
    "\ue000 private",
    "nul\x00byte",
    "\x00",
    "a" * 300,
    "很" * 300,
    "a b " * 200,
)
_CODE = (
    "'; DROP TABLE orders; --",
    "' OR '1'='1",
    '"; DROP TABLE orders; --',
    "1; SELECT pg_sleep(10)",
    "x' UNION SELECT * FROM customers --",
    "'||(SELECT read_text('/etc/passwd'))||'",
    "/* */ -- ''",
    "\\'; DROP TABLE orders; --",
    "{{ 7 * 7 }}",
    "{% for x in range(9) %}{{ x }}{% endfor %}",
    "{{ ''.__class__.__mro__ }}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "{0} {name} {0.__class__}",
    "%s %d %n %(name)s %%",
    "$(touch /tmp/pwned) `touch /tmp/pwned`",
    "; touch /tmp/pwned",
    "| tee /tmp/pwned",
    "__import__('os').system('touch /tmp/pwned')",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "CON",
    "file:///etc/passwd",
    "NaN",
    "null",
    "None",
    "undefined",
    "true",
    "-",
    "1e309",
    "0x41",
    "1,234.56",
    "2011-02-30",
    '","',
    "\\",
    '\\"',
    '"',
    "'",
    ",",
    '{"__proto__": {"a": 1}}',
    "[]",
    "!!python/object/apply:os.system ['touch /tmp/pwned']",
)

_KINDS = {
    "html": _HTML,
    "svg": _SVG,
    "markdown": _MARKDOWN,
    "typesetting": _TYPESETTING,
    "formula": _FORMULAS,
    "terminal": _TERMINAL,
    "letters": _LETTERS,
    "code": _CODE,
}


def _corpus() -> tuple[Hostile, ...]:
    """Each input once, its mark behind it, so that what it begins with stays."""
    pairs = [(kind, words) for kind, inputs in _KINDS.items() for words in inputs]
    return tuple(
        Hostile(kind, f"{words} x{place}x", f"x{place}x")
        for place, (kind, words) in enumerate(pairs, start=100)
    )


CORPUS = _corpus()
"""Every hostile input; the words of 1 MB are made where they are needed."""
