#!/usr/bin/env python3
"""gen-fold.py >milters/spam/fold_table.c: what characters look like, for fold.h.

Facts from Python's unicodedata: what a character decomposes to (full width, mathematical, circled
letters, letters with accents), and its category (spaces, punctuation, invisible signs). Which letters
of other alphabets look like Latin ones is a list of our own: those that senders of spam use.
"""
import sys
import unicodedata

SIZE, PAGE = 0x20000, 64
DROP, SPACE = 1, 32

CYRILLIC = ("аa вb сc ԁd еe ёe һh нh іi їi јj кk ӏl мm пn оo рp ԛq гr ѕs тt иu ѵv ѡw ԝw хx уy үy зz "
            "АA ВB СC ЕE ЁE НH ІI ЇI ЈJ КK ӀL МM ОO РP ԚQ ЅS ТT ѴV ԜW ХX УY ҮY ҺH ԀD ԌG")
GREEK = ("αa βb ϲc εe γy ηn ιi ϳj κk οo ρp τt υu νv ωw χx "
         "ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ϹC ΤT ΥY ΧX ͿJ ϜF")
OTHERS = ("օo սu ոn հh ցg զq յj ՕO ՍU ՏS Լl "  # Armenian
          "ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎥI ᎫJ ᏦK ᏞL ᎷM ᏢP ᏒR ᏚS ᎢT ᏙV ᎳW ᏃZ ")  # Cherokee
LATIN = ("ıi ſs ƒf øo ØO łl ŁL đd ĐD ħh ĦH ŧt ŦT ɑa ɡg ɩi ɪi ʟl ɴn ʀr ʏy ɢg ʙb ʜh ɨi ʉu ƙk ɓb ɗd ɦh "
         "ƿp ɛe ɔc ʋv ɯw ɾr ᴀa ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz ꜰf ꜱs ℮e ∨v")
OWN = {pair[0]: pair[1].lower() for pair in (CYRILLIC + " " + GREEK + " " + OTHERS + LATIN).split()}
OWN.update({"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u2010": "-", "\u2011": "-"})
OWN.update({chr(0x1F150 + i): chr(97 + i) for i in range(26)})  # negative circled
OWN.update({chr(0x1F170 + i): chr(97 + i) for i in range(26)})  # negative squared

# Nobody sees them: default ignorable (Unicode 5.21), and marks that are put on other letters.
IGNORED = [(0xAD, 0xAD), (0x300, 0x36F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
           (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
           (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0x1D173, 0x1D17A)]


def value(code):
    c = chr(code)
    if code < 0x80:
        return 0
    if any(a <= code <= b for a, b in IGNORED):
        return DROP
    if c in OWN:
        return ord(OWN[c])
    plain = "".join(d for d in unicodedata.normalize("NFKD", c) if unicodedata.category(d) != "Mn")
    if len(plain) == 1 and plain.isascii() and plain.isalnum():
        return ord(plain.lower())
    category = unicodedata.category(c)
    if category in ("Zs", "Zl", "Zp", "Cc"):
        return SPACE
    # A pictogram is a word like any other.
    if category[0] == "P" or (category in ("So", "Sm", "Sk") and code < 0x2190):
        return SPACE if code < 0x3100 or 0xFE00 <= code < 0x10000 else 0
    return 0


def main():
    pages, index = [bytes(PAGE)], []
    for at in range(0, SIZE, PAGE):
        page = bytes(value(code) for code in range(at, at + PAGE))
        if page not in pages:
            pages.append(page)
        index.append(pages.index(page))
    out = sys.stdout
    out.write("/* Made by tools/dev/gen-fold.py from Unicode %s: do not edit. */\n"
              '#include "milters/spam/fold.h"\n\n/* clang-format off */\n'
              "const uint8_t mr_spam_fold_index[MR_SPAM_FOLD_SIZE / MR_SPAM_FOLD_PAGE] = {\n"
              % unicodedata.unidata_version)
    put(out, index)
    out.write("};\n\nconst uint8_t mr_spam_fold_page[][MR_SPAM_FOLD_PAGE] = {\n")
    for page in pages:
        out.write("\t{\n")
        put(out, page)
        out.write("\t},\n")
    out.write("};\n")


def put(out, numbers):
    line = "\t"
    for n in numbers:
        if len(line) + len(str(n)) + 7 > 99:
            out.write(line.rstrip() + "\n")
            line = "\t"
        line += "%d," % n
    out.write(line.rstrip() + "\n")


main()
