#!/usr/bin/env python3
"""Write lib/mail/mr_html_names.c: the named character references of WHATWG HTML 13.5.

The source is the dictionary html.entities.html5 of Python's standard library (PSF licence), which
repeats the table of the standard (https://html.spec.whatwg.org/entities.json; CC BY 4.0). Names and
code points are taken, facts alone. Usage: gen-html-names.py > lib/mail/mr_html_names.c
"""
import html.entities

COLUMNS = 100


def main():
    names = sorted(html.entities.html5.items(), key=lambda item: item[0].encode())
    assert len(names) == 2231
    # The rule of growth that mr_html_names.h states.
    assert all(5 * len(text.encode()) <= 6 * (1 + len(name)) for name, text in names)
    assert max(len(name) for name, _ in names) == 32
    assert all(len(text) <= 2 for _, text in names)

    print("/* Made by tools/dev/gen-html-names.py from html.entities.html5 of Python (PSF licence),")
    print(" * the table of WHATWG HTML 13.5 (CC BY 4.0). Facts alone: do not edit. */")
    print('#include "lib/mail/mr_html_names.h"\n')
    print("/* clang-format off */")
    print("const struct mr_html_name mr_html_names[MR_HTML_NAME_COUNT] = {")
    line = ""
    for name, text in names:
        codes = ", ".join("0x%X" % ord(c) for c in text)
        row = '{"%s", {%s}},' % (name, codes)
        if line and len(line) + 1 + len(row) > COLUMNS - 8:
            print("\t" + line)
            line = ""
        line += (" " if line else "") + row
    print("\t" + line)
    print("};\n")
    print("const uint16_t mr_html_names_from[129] = {")
    first = [sum(1 for name, _ in names if ord(name[0]) < c) for c in range(129)]
    for i in range(0, 129, 12):
        print("\t" + " ".join("%d," % n for n in first[i:i + 12]))
    print("};")


if __name__ == "__main__":
    main()
