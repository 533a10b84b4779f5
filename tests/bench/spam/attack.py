#!/usr/bin/env python3
"""attack.py ATTACK SPAM GOOD OUT [--seed N]: copies of spam as its senders disguise it.

SPAM and GOOD are lists of paths, one a line; GOOD is mail that the attacker knows: take it from the
training part, never from what is measured. Writes OUT/000000.eml ... and OUT/list, in SPAM's order.
The same lists and seed give the same bytes. `attack.py --names` lists the attacks.

A copy has each text part decoded, changed and encoded again (base64 stays base64, what is not ASCII
becomes UTF-8 in quoted-printable); what is no text stays as it is. text/plain and text/html are both
changed. A message without any text part gets a new one. "none" changes nothing: what it costs is what
the copying itself costs.
"""
import base64
import email
import email.generator
import email.header
import email.message
import email.policy
import hashlib
import html
import io
import os
import quopri
import random
import re
import string
import sys

WORDS = 200  # good words that are added
GOOD_SIZE_MAX = 20000  # characters of a whole good message

# -- messages ------------------------------------------------------------------------------------


def parts_of(msg):
    return [p for p in msg.walk() if p.get_content_type() in ("text/plain", "text/html")
            and not p.is_multipart() and p.get_content_disposition() != "attachment"]


def text_of(part):
    data = part.get_payload(decode=True) or b""
    try:
        return data.decode(str(part.get_content_charset("utf-8")), "strict")
    except (LookupError, UnicodeError, ValueError):
        return data.decode("utf-8" if valid_utf8(data) else "latin-1")


def valid_utf8(data):
    try:
        data.decode("utf-8")
        return True
    except UnicodeError:
        return False


def set_text(part, text):
    coding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    data = text.encode("utf-8", "replace")
    if coding == "base64":
        body = base64.encodebytes(data)
    elif data.isascii() and coding != "quoted-printable" \
            and max(map(len, data.split(b"\n"))) < 900:
        coding, body = "7bit", data
    else:
        coding, body = "quoted-printable", quopri.encodestring(data)
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = coding
    if "Content-Type" in part or not data.isascii():
        if "Content-Type" not in part:
            part["Content-Type"] = part.get_content_type()
        if not data.isascii() or str(part.get_param("charset", "")).lower() != "us-ascii":
            part.set_param("charset", "utf-8")
    part.set_payload(body.decode("ascii"))


def good_text(path):
    with open(path, "rb") as f:
        msg = email.message_from_bytes(f.read())
    for part in parts_of(msg):
        text = text_of(part)
        if part.get_content_type() == "text/html":
            text = html.unescape(re.sub(r"(?s)<style.*?</style>|<[^>]*>", " ", text))
        return text[:GOOD_SIZE_MAX]
    return ""


class Pool:
    """The good mail that the attacker has: its texts, and the words that at least three of them have."""

    def __init__(self, paths):
        self.texts = [t for t in map(good_text, paths) if len(t.split()) >= 50]
        seen = {}
        for text in self.texts:
            for word in set(re.findall(r"[a-z]{4,15}", text.lower())):
                seen[word] = seen.get(word, 0) + 1
        self.words = sorted(w for w, n in seen.items() if n >= 3)
        self.common = sorted(sorted(seen), key=lambda w: -seen[w])[:2000]
        self.running = " ".join(self.texts).split()


# -- what text becomes: f(rng, text) for plain text ----------------------------------------------

ZERO = "\u200b\u200c\u200d\ufeff\u00ad\u2060"
CYRILLIC = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")
GREEK = str.maketrans("oviAEZHIKMNOPTYX", "ονιΑΕΖΗΙΚΜΝΟΡΤΥΧ")
FULL = {c: c + 0xFEE0 for c in range(ord("A"), ord("z") + 1) if chr(c).isalpha()}
BOLD = {ord(c): 0x1D400 + i for i, c in enumerate(string.ascii_uppercase + string.ascii_lowercase)}
DIGITS = str.maketrans("aeiostAEIOST", "431057431057")
ALPHABETS = (CYRILLIC, GREEK, FULL, BOLD, DIGITS)
WORD = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|([A-Za-z]{4,})")


def some(rng, change, text, share=0.7):
    """Change that share of the words of four letters or more; links and addresses must still work."""
    return WORD.sub(lambda m: change(rng, m.group()) if m.group(1) and rng.random() < share
                    else m.group(), text)


def zero_width(rng, word):
    at = sorted(rng.sample(range(1, len(word)), rng.randint(1, min(3, len(word) - 1))), reverse=True)
    for i in at:
        word = word[:i] + rng.choice(ZERO) + word[i:]
    return word


def look_alike(rng, word):
    return word.translate(rng.choice(ALPHABETS))


def split_letters(rng, word):
    return rng.choice((" ", ".", "-", "_")).join(word)


def comment_in_word(rng, word):
    at = rng.randint(1, len(word) - 1)
    tag = rng.choice(("b", "i", "span", "font", "em"))
    what = rng.choice(("<!-- %s -->" % rng.randrange(10**6), "<%s></%s>" % (tag, tag),
                       "<!%s>" % rng.choice(string.ascii_lowercase)))
    return word[:at] + what + word[at:]


def entities(rng, word):
    return "".join("&#%d;" % ord(c) if rng.random() < 0.5 else "&#x%X;" % ord(c) for c in word)


def noise(rng, size):
    return "".join(rng.choice(string.ascii_lowercase + string.digits) for _ in range(size))


# -- HTML: only what is outside of tags, comments, style and script ------------------------------

MARKUP = re.compile(r"(?is)(<(style|script|title)\b.*?</\2\s*>|<!--.*?-->|<[^>]*>|&#?\w+;?)")


def outside(change, text):
    out, at = [], 0
    for m in MARKUP.finditer(text):
        out += [change(text[at:m.start()]), m.group()]
        at = m.end()
    return "".join(out + [change(text[at:])])


def into_body(text, before, after):
    """before and after what the body holds."""
    m = re.search(r"(?i)<body\b[^>]*>", text)
    start = m.end() if m else 0
    end = text.lower().rfind("</body>")
    end = end if end >= start else len(text)
    return text[:start] + before + text[start:end] + after + text[end:]


def paragraphs(text):
    return "".join("<p>%s</p>\n" % html.escape(p) for p in re.split(r"\n\s*\n", text))


HIDE = ('<div style="display:none">%s</div>',
        '<span style="color:#ffffff;background-color:#ffffff">%s</span>',
        '<div style="font-size:0px;line-height:0">%s</div>',
        '<div style="position:absolute; left:-9999px; top:0">%s</div>',
        '<p style="opacity:0">%s</p>',
        '<font color="#fefefe" size="1">%s</font>',
        '<div style="visibility:hidden;">%s</div>',
        '<div style="height:0;max-height:0;overflow:hidden">%s</div>')


def percent(rng, url):
    """Letters of path and host as %XX, the first of them."""
    return "".join("%%%02X" % ord(c) if c.isalpha() and rng.random() < 0.5 else c for c in url)


def hide_links(rng, text):
    def link(m):
        if not m.group(3).startswith("http"):
            return m.group()
        scheme, sep, rest = m.group(3).partition("://")
        rest = percent(rng, rest) if rng.random() < 0.5 else entities(rng, rest)
        return m.group(1) + m.group(2) + scheme + sep + rest + m.group(2)
    return re.sub(r"""(?i)(\b(?:href|src)\s*=\s*)(["'])([^"']*)\2""", link, text)


# -- attacks: f(rng, pool, msg, kind, text, memo) ------------------------------------------------


def good_words(rng, pool, memo):
    if "good" not in memo:
        memo["good"] = " ".join(rng.choice(pool.words) for _ in range(WORDS))
    return memo["good"]


def words_visible(rng, pool, kind, text, memo):
    words = good_words(rng, pool, memo)
    if kind == "html":
        return into_body(text, "", "<p>%s</p>\n" % words)
    return text + "\n\n" + words + "\n"


def words_before(rng, pool, kind, text, memo):
    words = good_words(rng, pool, memo)
    if kind == "html":
        return into_body(text, "<p>%s</p>\n" % words, "")
    return words + "\n\n" + text


def words_common(rng, pool, kind, text, memo):
    """Of the 2,000 words that most good messages have."""
    if "good" not in memo:
        memo["good"] = " ".join(rng.choice(pool.common) for _ in range(WORDS))
    return words_visible(rng, pool, kind, text, memo)


def words_running(rng, pool, kind, text, memo):
    """As they stand in a good message."""
    if "good" not in memo:
        at = rng.randrange(len(pool.running) - WORDS)
        memo["good"] = html.escape(" ".join(pool.running[at:at + WORDS]))
    return words_visible(rng, pool, kind, text, memo)


def words_alternative(rng, pool, kind, text, memo):
    """In the text/plain that nobody sees who sees the text/html beside it."""
    if kind == "html":
        return text
    return text + "\n\n" + good_words(rng, pool, memo) + "\n"


def words_style(rng, pool, kind, text, memo):
    """Hidden by a class that the style sheet hides."""
    if kind == "plain":
        return text
    name = noise(rng, 6)
    return into_body(text, "<style>.q%s { display: none; }</style>" % name,
                     '<div class="q%s">%s</div>\n' % (name, good_words(rng, pool, memo)))


def whole_hidden(rng, pool, kind, text, memo):
    """The same as words_hidden and words_style by turns, with a whole good message."""
    if kind == "plain":
        return text
    if "whole" not in memo:
        memo["whole"] = rng.choice(pool.texts)
    ways = HIDE + ("<style>.qz { display: none; }</style>" '<div class="qz">%s</div>',)
    return into_body(text, "", ways[memo["number"] % len(ways)] % paragraphs(memo["whole"]))


def words_hidden(rng, pool, kind, text, memo):
    if kind == "plain":
        return text
    return into_body(text, "", HIDE[memo["number"] % len(HIDE)] % good_words(rng, pool, memo) + "\n")


def whole_good(rng, pool, kind, text, memo):
    if "whole" not in memo:
        memo["whole"] = rng.choice(pool.texts)
    if kind == "html":
        return into_body(text, "", paragraphs(memo["whole"]))
    return text + "\n\n" + memo["whole"]


def on_text(change, share=0.7):
    def run(rng, pool, kind, text, memo):
        def one(t):
            return some(rng, change, t, share)
        return outside(one, text) if kind == "html" else one(text)
    return run


def on_html(change, share=0.7, links=False):
    def run(rng, pool, kind, text, memo):
        if kind == "plain":
            return text
        if links:
            text = hide_links(rng, text)
        return outside(lambda t: some(rng, change, t, share), text)
    return run


def hash_buster(rng, pool, kind, text, memo):
    tokens = " ".join(noise(rng, rng.randint(6, 14)) for _ in range(40))
    if kind == "html":
        text = re.sub(r"(?i)<(p|div|td|span|a)\b(?! class)",
                      lambda m: '<%s class="%s"' % (m.group(1), noise(rng, 9)), text)
        return into_body(text, "", "<p>%s</p>\n" % tokens)
    return text + "\n\n" + tokens + "\n"


ATTACKS = {
    "none": lambda rng, pool, kind, text, memo: text,
    "words-visible": words_visible,
    "words-before": words_before,
    "words-common": words_common,
    "words-running": words_running,
    "words-hidden": words_hidden,
    "words-style": words_style,
    "words-alternative": words_alternative,
    "attached": lambda rng, pool, kind, text, memo: text,  # see attach()
    "whole-good": whole_good,
    "whole-hidden": whole_hidden,
    "zero-width": on_text(zero_width),
    "look-alike": on_text(look_alike),
    "comment-in-word": on_html(comment_in_word),
    "hash-buster": hash_buster,
    "split-letters": on_text(split_letters, 0.4),
    "encoded": on_html(entities, links=True),
}
# Attacks on HTML give mail that has none an HTML part: its text, as paragraphs.
NEED_HTML = {"words-hidden", "words-style", "whole-hidden", "words-alternative", "comment-in-word", "encoded"}
# What is done to the subject: its words too.
SUBJECT = {"zero-width": zero_width, "look-alike": look_alike, "split-letters": split_letters}


def add_alternative(part):
    """A text/html becomes a multipart/alternative of an empty text/plain and itself."""
    plain, own = email.message.Message(), email.message.Message()
    plain["Content-Type"] = 'text/plain; charset="us-ascii"'
    plain.set_payload("")
    for name in ("Content-Type", "Content-Transfer-Encoding"):
        if name in part:
            own[name] = part[name]
            del part[name]
    own._payload = part._payload  # as it is: get_payload() would decode what is not ASCII
    part["Content-Type"] = 'multipart/alternative; boundary="=_alternative_="'
    part.set_payload([plain, own])


def attach(msg, text):
    """The message becomes a multipart/mixed of what it was and a text/plain that is attached."""
    own, file = email.message.Message(), email.message.Message()
    for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition"):
        if name in msg:
            own[name] = msg[name]
            del msg[name]
    own._payload = msg._payload
    file["Content-Type"] = 'text/plain; charset="us-ascii"; name="notes.txt"'
    file["Content-Disposition"] = 'attachment; filename="notes.txt"'
    file.set_payload(text + "\n")
    if "MIME-Version" not in msg:
        msg["MIME-Version"] = "1.0"
    msg["Content-Type"] = 'multipart/mixed; boundary="=_attached_="'
    msg.set_payload([own, file])


def set_subject(msg, rng, attack):
    try:
        text = str(email.header.make_header(email.header.decode_header(str(msg["Subject"] or ""))))
    except (LookupError, UnicodeError, ValueError, email.errors.HeaderParseError):
        return
    if attack == "hash-buster":
        text += " " + noise(rng, 8)
    else:
        text = some(rng, SUBJECT[attack], text, 0.4 if attack == "split-letters" else 0.7)
    text = " ".join(text.split())
    value = text if text.isascii() else email.header.Header(text, "utf-8").encode()
    if "Subject" in msg:
        msg.replace_header("Subject", value)
    else:
        msg["Subject"] = value


def attacked(data, attack, pool, rng, number):
    """data as the attack leaves it; number: of the message, for what goes by turns."""
    msg = email.message_from_bytes(data, policy=email.policy.compat32)
    parts, memo = parts_of(msg), {"number": number}
    if not parts and not msg.is_multipart() and msg.get_content_maintype() != "text":
        return data
    if attack in NEED_HTML and parts and all(p.get_content_type() == "text/plain" for p in parts):
        set_text(parts[0], "<html><body>%s</body></html>" % paragraphs(text_of(parts[0])))
        if "Content-Type" in parts[0]:
            parts[0].set_type("text/html")
        else:
            parts[0]["Content-Type"] = 'text/html; charset="utf-8"'
    if attack == "words-alternative" and all(p.get_content_type() == "text/html" for p in parts):
        for part in parts[:1]:
            add_alternative(part)
        parts = parts_of(msg)
    for part in parts if attack != "none" else ():
        kind = part.get_content_subtype()
        text = text_of(part)
        changed = ATTACKS[attack](rng, pool, kind, text, memo)
        if changed != text:
            set_text(part, changed)
    if attack == "attached":
        attach(msg, good_words(rng, pool, memo))
    if attack in SUBJECT or attack == "hash-buster":
        set_subject(msg, rng, attack)
    out = io.BytesIO()
    email.generator.BytesGenerator(out, mangle_from_=False, maxheaderlen=0,
                                   policy=email.policy.compat32).flatten(msg)
    return out.getvalue()


def write_all(attack, spam, pool, out, seed):
    """A copy of each; the list of them."""
    os.makedirs(out, exist_ok=True)
    names = []
    for number, path in enumerate(spam):
        with open(path, "rb") as f:
            data = f.read()
        key = b"%d %s " % (seed, attack.encode()) + hashlib.sha256(data).digest()
        rng = random.Random(int.from_bytes(hashlib.sha256(key).digest(), "big"))
        try:
            data = attacked(data, attack, pool, rng, number)
        except (UnicodeError, LookupError, KeyError, TypeError, AttributeError, ValueError) as e:
            print("attack: %s: %s stays as it is: %.60r" % (attack, path, e), file=sys.stderr)
        name = os.path.join(out, "%06d.eml" % number)
        with open(name, "wb") as f:
            f.write(data)
        names.append(name)
    with open(os.path.join(out, "list"), "w") as f:
        f.write("".join(n + "\n" for n in names))
    return names


def main():
    if sys.argv[1:] == ["--names"]:
        print("\n".join(ATTACKS))
        return
    args = sys.argv[1:]
    seed = int(args.pop(args.index("--seed") + 1)) if "--seed" in args else 4
    args = [a for a in args if a != "--seed"]
    if len(args) != 4 or args[0] not in ATTACKS:
        sys.exit(__doc__)
    with open(args[1]) as f, open(args[2]) as g:
        spam, good = f.read().splitlines(), g.read().splitlines()
    write_all(args[0], spam, Pool(good), args[3], seed)


if __name__ == "__main__":
    main()
