#!/usr/bin/env python3
"""Write hostile HTML: each file makes a parser that looks back, recurses or scans ahead suffer.

Usage: gen_hostile_html.py [--size BYTES] [--mail] DIR
Writes DIR/NAME.html of BYTES (1 MB unless told), or with --mail DIR/NAME.eml, a mail of that body.
The same rows are in tests/unit/test_hostile_text.c, which shows that doubling the input does not
more than double the work.
"""
import argparse
import os

# name: what it begins with, what is repeated
ROWS = {
    "div": ("", "<div>"),
    "b": ("", "<b>"),
    "table": ("", "<table>"),
    "table_td": ("", "<table><td>"),
    "a_href": ("", "<a href=x>"),
    "end_tags": ("", "</p>"),
    "comment_open": ("", "<!--"),
    "comment_one": ("<!--", "-"),
    "comment_bang": ("<!--", "--!"),
    "attr_quote": ("", '<a "'),
    "attr_value_quote": ("", "<a b='"),
    "attr_names": ("<a", " b"),
    "attr_slashes": ("<a", "/"),
    "attr_equals": ("<a ", "= "),
    "attr_values": ("<a", " b=c"),
    "attr_distinct": ("<a", None),
    "amp": ("", "&"),
    "amp_name": ("", "&CounterClockwiseContourIntegra"),
    "amp_number": ("&#", "9"),
    "amp_short": ("", "&lt"),
    "growth": ("", "&nGt;"),
    "script_open": ("", "<script>"),
    "script_ends": ("<script>", "</script"),
    "script_escaped": ("<script>", "<!--<script "),
    "title_ends": ("<title>", "</titl"),
    "cdata": ("", "<![CDATA["),
    "end_open": ("", "</"),
    "less_than": ("", "<"),
    "doctype": ("", "<!doctype"),
    "doctype_quote": ("", '<!doctype a public "'),
    "question": ("", "<?"),
    "bang": ("", "<!"),
    "long_name": ("<", "a"),
    "nul": ("", "\0"),
}


def body(start, unit, size):
    if unit is None:
        text = start + "".join(" a%d=%d" % (i, i) for i in range(size // 8))
    else:
        text = start + unit * (size // len(unit) + 1)
    return text[:size]


def mail(name, text):
    lines = [text[i:i + 300] for i in range(0, len(text), 300)]
    return ("From: a@example.com\r\nTo: b@example.net\r\nSubject: hostile HTML, %s\r\n"
            "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <%s@example.com>\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n" % (name, name)
            + "=\r\n".join(line.replace("=", "=3D").replace("\0", "=00") for line in lines)
            + "\r\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=1 << 20)
    parser.add_argument("--mail", action="store_true")
    parser.add_argument("dir")
    args = parser.parse_args()
    os.makedirs(args.dir, exist_ok=True)
    for name, (start, unit) in ROWS.items():
        text = body(start, unit, args.size)
        path = os.path.join(args.dir, name + (".eml" if args.mail else ".html"))
        with open(path, "w", newline="") as f:
            f.write(mail(name, text) if args.mail else text)


if __name__ == "__main__":
    main()
