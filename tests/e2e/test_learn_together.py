"""Two `millrace spam learn` at once: what either teaches is in the model."""
import json
import signal
import subprocess
import time

COUNT = 400     # enough that making the model takes a while
MORE = 150      # more than is stepped: the model is made anew
BIN = "millrace"


def letter(n, word):
    return (f"From: a{n}@example.net\nTo: b@example.org\nSubject: {word} {n}\n\n"
            + " ".join(f"{word}{n}x{i}" for i in range(150)) + "\n")


def folder(path, word, count):
    path.mkdir()
    for n in range(count):
        (path / f"{n}").write_text(letter(n, word))
    return path


def learn(build, model, *words, **options):
    return subprocess.Popen([str(build / "bin" / BIN), "spam", *words, "--model", str(model)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options)


def test_a_slower_one_does_not_forget_what_a_faster_one_learned(build, tmp_path):
    model = tmp_path / "model"
    first = learn(build, model, "learn", "--spam", str(folder(tmp_path / "s", "pills", COUNT)),
                  "--ham", str(folder(tmp_path / "h", "minutes", COUNT)))
    assert first.wait(60) == 0, first.stderr.read()
    a, b = folder(tmp_path / "a", "alpha", MORE), folder(tmp_path / "b", "beta", MORE)
    # The slower one has kept its lessons, has read all that there are, and is training.
    slow = learn(build, model, "learn", "--spam", str(a))
    count = COUNT * 2 + MORE
    deadline = time.monotonic() + 20
    while lessons(build, model) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert slow.poll() is None, "too fast to be stopped on the way"
    slow.send_signal(signal.SIGSTOP)
    fast = learn(build, model, "learn", "--spam", str(b))
    time.sleep(2)
    slow.send_signal(signal.SIGCONT)
    assert slow.wait(60) == 0 and fast.wait(60) == 0
    together = model.read_bytes()
    assert learn(build, model, "rebuild").wait(60) == 0
    assert model.read_bytes() == together


def lessons(build, model):
    done = subprocess.run([str(build / "bin" / BIN), "--json", "spam", "lessons", "--model", str(model)],
                          capture_output=True, text=True)
    return sum(teacher["spam"] + teacher["ham"] for teacher in json.loads(done.stdout or "[]"))
