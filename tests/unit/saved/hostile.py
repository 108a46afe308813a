"""Drawings that mean no good, and pieces to make them of."""

from __future__ import annotations

import base64
import gzip
import struct
import zlib

from kastor.saved.svg import reader

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
XHTML = 'xmlns:h="http://www.w3.org/1999/xhtml"'


def svg(inside: str, head: str = "", more: str = "") -> bytes:
    return f"{head}<svg {NS} {more}>{inside}</svg>".encode()


def png(width: int = 1, height: int = 1) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + rows


def picture(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


JPEG = b"\xff\xd8\xff\xe0\x00\x04xx\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00" + b"\0" * 9

HARMLESS_AFTER: dict[str, str] = {
    "script": "<script>alert(1)</script>",
    "script by address": "<script href='https://evil.example/x.js'/>",
    "script in CDATA": "<script><![CDATA[alert(1)]]></script>",
    "script with a prefix": '<s:script xmlns:s="http://www.w3.org/2000/svg">x</s:script>',
    "script of XHTML": f"<g {XHTML}><h:script>alert(1)</h:script></g>",
    "script in capitals": "<SCRIPT>alert(1)</SCRIPT><Script/>",
    "script in a text": "<text><script>alert(1)</script></text>",
    "script in a title": "<title><script>alert(1)</script></title>",
    "events": "<rect onload='x()' onclick='x()' ONMOUSEOVER='x()' onbegin='x()' onfocusin='x()'/>",
    "event with a namespace": '<rect xmlns:e="urn:e" e:onload="alert(1)"/>',
    "focus": "<rect tabindex='1' autofocus='' onfocus='alert(1)'/>",
    "link": "<a href='javascript:alert(1)'><text>x</text></a>",
    "link of XLink": "<a xlink:href='java&#10;script:alert(1)' target='_top'><rect/></a>",
    "link in a text": "<text>a<a href='javascript:alert(1)'>b</a></text>",
    "animated address": (
        "<a href='#x'><animate attributeName='href' values='javascript:alert(1)'/><rect/></a>"
    ),
    "set address": "<use href='#a'><set attributeName='href' to='data:image/svg+xml,x'/></use>",
    "animated event": "<rect><animateTransform onbegin='alert(1)'/><animateMotion/></rect>",
    "discard and handlers": "<discard/><handler>x</handler><listener/>",
    "foreign object": f"<foreignObject><h:iframe {XHTML} src='javascript:1'/></foreignObject>",
    "frames of HTML": f"<g {XHTML}><h:iframe srcdoc='x'/><h:body onload='x()'/></g>",
    "HTML without a namespace": '<g><iframe xmlns="" src="javascript:alert(1)"/></g>',
    "MathML": '<math xmlns="http://www.w3.org/1998/Math/MathML" href="javascript:x">x</math>',
    "use of elsewhere": "<use href='https://evil.example/x.svg#y'/><use xlink:href='x.svg#y'/>",
    "use of data": "<use href='data:image/svg+xml;base64,PHN2Zy8+#x'/>",
    "use of what is not there": "<use href='#nothing'/><rect fill='url(#nothing)'/>",
    "picture of elsewhere": "<image href='https://evil.example/1.png'/><image href='//e/1.png'/>",
    "picture that is SVG": "<image href='data:image/svg+xml;base64,PHN2Zy8+'/>",
    "picture that is HTML": "<image href='data:text/html,&lt;script>1&lt;/script>'/>",
    "picture that is none": f"<image href='{picture(b'<svg/>')}'/>",
    "picture of another kind": f"<image href='{picture(JPEG, 'png')}'/>",
    "picture that is a bomb": f"<image href='{picture(png(100_000, 100_000))}'/>",
    "picture with more types": "<image href='data:image/png;charset=x;base64,AAAA'/>",
    "picture beside a picture": f"<image href='x' xlink:href='{picture(png())}'/>",
    "fill of elsewhere": "<rect fill='url(https://evil.example/#a)' stroke='url(\"//e#a\")'/>",
    "fill with a space": "<rect fill='url( javascript:alert(1) )' mask='url(data:x)'/>",
    "fill that goes on": "<g id='a'/><rect fill='url(#a) url(//e)' stroke='url(#a);x:url(//e)'/>",
    "cursor and filter": "<rect cursor='url(//e)' filter='url(//e#x)' clip-path='url(//e#x)'/>",
    "filter picture": "<filter id='f'><feImage href='https://evil.example/'/></filter>",
    "markers of elsewhere": "<path marker-start='url(//e#a)' marker='url(//e#b)' d='M0 0'/>",
    "style": "<style>@import url(//e/x.css);</style><style>body{display:none}</style>",
    "style that loads": "<style>rect{fill:url(//e);background:url(//e)}</style><rect/>",
    "style in escapes": "<style>rect{fi\\6cl:u\\72l(//e)}</style><rect/>",
    "style in comments": "<style>rect{fill:u/**/rl(//e)}/*</style><rect/>",
    "style that ends": "<style>rect{fill:red}&lt;/style>&lt;script>1&lt;/script></style><rect/>",
    "style of fonts": "<style>@font-face{font-family:x;src:url(//e)}text{font-family:x}</style>",
    "style that selects": "<style>[href^=a]{fill:url(//e)}*{fill:expression(1)}</style><rect/>",
    "style attribute": "<rect style='background:url(javascript:1);fill:url(//e);behavior:x'/>",
    "style of old": "<rect style='-moz-binding:url(//e#x);width:expression(alert(1))'/>",
    "variables": "<rect style='--x:url(//e);fill:var(--x)' fill='var(--x)' stroke='attr(y)'/>",
    "image sets": "<rect fill='image-set(\"//e\" 1x)' stroke='src(\"//e\")'/>",
    "base": "<g xml:base='https://evil.example/'><use href='#x'/></g>",
    "processing instruction": "<?xml-stylesheet href='//e/x.css'?><?php echo 1 ?>",
    "comment": "<!-- <script>alert(1)</script> --><!-- ]]> -&gt; ->-->",
    "comment in a text": "<text>a<!-- b -->c</text>",
    "CDATA": "<text><![CDATA[</text><script>alert(1)</script>]]></text>",
    "CDATA in a title": "<title><![CDATA[<img src=x onerror=alert(1)>]]></title>",
    "escaped markup": "<desc>&lt;script&gt;alert(1)&lt;/script&gt; &amp;lt;b&amp;gt;</desc>",
    "quotes": "<g id='a&quot;onload=&quot;x' data-name='\"&gt;&lt;script>' aria-label='&#39;'/>",
    "break in a value": "<rect data-name='a&#10;b' fill='red&#10;' role='a&#9;b'/>",
    "metadata": "<metadata><x xmlns='urn:x'>y</x></metadata>",
    "unknown elements": "<view/><mesh/><hatch/><audio src='x'/><video/><canvas/><source/>",
    "fonts": "<font><glyph d='M0'/></font><font-face-uri href='//e'/>",
    "twice the same id": "<g id='a'/><rect id='a'/><circle id='a'/>",
    "ids that are none": "<g id=''/><g id='a b'/><g id='a\"b'/><g id='a(b'/><g id='a&lt;b'/>",
    "conditions": "<switch><foreignObject requiredExtensions='x'/><rect/></switch>",
    "another space": '<x:rect xmlns:x="urn:x" width="1"/><x:g xmlns:x="urn:x"><rect/></x:g>',
    "numbers that are none": "<rect width='javascript:1' x='calc(1px)' y='1;2' rx='{1}'/>",
    "paths that are none": "<path d='M0 0 url(//e)'/><polygon points='0,0 a'/>",
    "transforms": "<g transform='translate(1) perspective(2)'/><g transform='url(x)'/>",
    "instance": "<svg onload='alert(1)'><script/><rect/></svg>",
    "data attributes": "<g data-x='javascript:1' data-bind='y' is='x-evil' slot='z' part='q'/>",
}
"""What is inside of a drawing that is taken; nothing of it may be left that does anything."""


def tenfold(before: str, inside: str, after: str) -> str:
    """Ever more of something, each of which is ten of the one before; `N` and `M` are numbers."""
    return "".join(
        before.replace("N", str(n)) + inside.replace("M", str(n - 1)) * 10 + after
        for n in range(1, 12)
    )


BOMB = tenfold("<g id='uN'>", "<use href='#uM'/>", "</g>")
PATTERNS = tenfold("<pattern id='pN'>", "<rect fill='url(#pM)'/>", "</pattern>")
ENTITIES = tenfold('<!ENTITY lN "', "&lM;", '">')


def many(attribute: str, count: int) -> bytes:
    """An element with so many attributes; `N` is their number."""
    return svg(f"<g {' '.join(attribute.replace('N', str(n)) for n in range(count))}/>")


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "no element found"),
    "no XML": (b"\x89PNG\r\n\x1a\n", "UTF-8|well-formed"),
    "HTML": (b"<!DOCTYPE html><html><script>1</script></html>", "outermost element is html"),
    "another root": (b'<x xmlns="http://www.w3.org/2000/svg"/>', "outermost element is x"),
    "root of another space": (b'<svg xmlns="http://www.w3.org/1999/xhtml"/>', "outermost"),
    "two roots": (svg("") + b"<script/>", "junk"),
    "not closed": (b"<svg><g>", "line 1"),
    "billion laughs": (
        svg("<text>&l9;</text>", f'<!DOCTYPE svg [<!ENTITY l0 "lol">{ENTITIES}]>'),
        "entities",
    ),
    "quadratic blow-up": (
        svg("&a;" * 1_000, f'<!DOCTYPE svg [<!ENTITY a "{"x" * 50_000}">]>'),
        "entities",
    ),
    "entity of a file": (
        svg("<text>&x;</text>", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "entities",
    ),
    "parameter entity": (
        svg("", '<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://evil.example/x.dtd">%p;]>'),
        "entities",
    ),
    "attributes by default": (
        svg("<rect/>", "<!DOCTYPE svg [<!ATTLIST rect onload CDATA 'alert(1)'>]>"),
        "document type",
    ),
    "declared elsewhere": (
        svg("<text>&x;</text>", '<!DOCTYPE svg SYSTEM "http://evil.example/x.dtd">'),
        "entities",
    ),
    "unknown entity": (svg("&nbsp;"), "undefined entity"),
    "UTF-16": (svg("").decode().encode("utf-16"), "UTF-8"),
    "UTF-16 without a mark": (svg("").decode().encode("utf-16-le"), "UTF-8"),
    "UTF-16 big": (svg("").decode().encode("utf-16-be"), "UTF-8"),
    "UTF-32": (svg("").decode().encode("utf-32"), "UTF-8"),
    "Latin-1": (b'<?xml version="1.0" encoding="iso-8859-1"?><svg><text>\xe4</text></svg>', "UTF"),
    "overlong": (b"<svg><text>\xc0\xbcscript\xc0\xbe</text></svg>", "UTF-8|well-formed"),
    "surrogates": (b"<svg><text>\xed\xa0\xbd\xed\xb8\x80</text></svg>", "well-formed"),
    "zero": (b"<svg>\0</svg>", "UTF-8"),
    "control character": (b"<svg><text>\x08</text></svg>", "well-formed"),
    "unbound prefix": (b"<svg><x:script/></svg>", "prefix"),
    "prefix xml bound anew": (
        b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xml="urn:x"/>',
        "prefix",
    ),
    "attribute twice": (b"<svg id='a' id='b'/>", "duplicate"),
    "same attribute by two prefixes": (
        svg('<g xmlns:a="http://www.w3.org/1999/xlink" a:href="#x" xlink:href="javascript:1"/>'),
        "duplicate",
    ),
    "compressed": (gzip.compress(svg("")), "compressed"),
    "depth": (svg("<g>" * 200 + "</g>" * 200), "nested deeper"),
    "depth of what is dropped": (svg("<x>" * 200 + "</x>" * 200), "nested deeper"),
    "elements": (svg("<g/>" * (reader.MOST_ELEMENTS + 1)), "more than"),
    "instructions": (svg("<?a?>" * 600_000), "parts"),
    "attributes": (many("aN='1'", 300), "attributes"),
    "attributes without end": (many("aN=''", 99_999), "many"),
    "a comment without end": (svg("<!--" + "x" * 9_000_000 + "-->"), "tag or comment"),
    "a tag without end": (b"<svg><g id='" + b"x" * 9_000_000, "tag or comment"),
    "use of itself": (svg("<g id='a'><use href='#a'/></g>"), "refers to itself"),
    "use of each other": (
        svg("<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>"),
        "refers to itself",
    ),
    "use of what is around it": (svg("<g id='a'><g><use href='#a'/></g></g>"), "refers to itself"),
    "pattern of itself": (
        svg("<pattern id='p'><rect fill='url(#p)'/></pattern>"),
        "refers to itself",
    ),
    "mask by a style": (
        svg("<style>#m{mask:url(#m)}</style><mask id='m'><rect/></mask>"),
        "refers to itself",
    ),
    "billion uses": (svg(f"<g id='u0'><rect/></g>{BOMB}"), "shapes"),
    "billion patterns": (
        svg(f"<pattern id='p0'><rect/></pattern>{PATTERNS}"),
        "shapes",
    ),
    "markers on a long path": (
        svg(
            f"<marker id='m'>{'<rect/>' * 100}</marker>"
            f"<path marker-mid='url(#m)' d='M0 0{' 1 1' * 50_000}'/>"
        ),
        "shapes",
    ),
    "markers on a path that closes and closes": (
        svg(
            f"<marker id='m'>{'<rect/>' * 100}</marker>"
            f"<path marker-mid='url(#m)' d='M0 0{'z' * 50_000}'/>"
        ),
        "shapes",
    ),
    "a long way of references": (
        svg("".join(f"<g id='c{n}'><use href='#c{n + 1}'/></g>" for n in range(100))),
        "references",
    ),
    "rules": (svg(f"<style>{'a{}' * 9_000}</style>"), "rules"),
    "much style": (svg(f"<style>{'x' * 300_000}</style>"), "style sheets"),
    "rules for all": (
        svg(f"<style>{'g{fill:red;stroke:red}' * 4_000}</style>{'<g/>' * 2_000}"),
        "declarations",
    ),
    "style that swells": (
        svg(f"<style>g{{font-family:{'x' * 290}}}</style>{'<g/>' * 99_000}"),
        "bytes",
    ),
}
