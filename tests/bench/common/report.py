"""Messages to send and tables to print."""
import re
import statistics

from stack import corpus


def messages(archive, folder, size):
    """Real messages of about size bytes as files, ham and spam; at least 200. Returns their paths."""
    found = [m for m in corpus.pick(archive, 3000, 1500) if 0.85 * size <= len(m.content) <= 1.3 * size]
    paths = []
    for number, message in enumerate(found):
        path = folder / f"{number}.eml"
        # What mailbox programs wrote is no part of the message that arrived.
        path.write_bytes(re.sub(rb"(?im)^(?:X-Spam-|Delivered-To:).*\n(?:[ \t].*\n)*", b"",
                                message.content))
        paths.append(str(path))
    if len(paths) < 200:
        raise RuntimeError(f"only {len(paths)} messages of about {size} bytes")
    return paths


def spread(values, digits=2):
    """Median (lowest to highest)."""
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def table(head, rows):
    """Markdown, with columns that line up."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                               for i, (cell, w) in enumerate(zip(row, widths))) + " |"
             for row in [head, *rows]]
    lines.insert(1, "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":"
                                   for i, w in enumerate(widths)) + "|")
    return "\n".join(lines)
