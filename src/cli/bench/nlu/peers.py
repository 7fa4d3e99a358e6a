"""Trains scikit-learn, fastText, sklearn-crfsuite and Rasa on messages and predicts others.

Standard input:  {"train": [...], "test": [...], "peers": bool, "rasa": epochs or null},
                 each message {"text", "intent", "entities": [[name, start, end], ...]}
Standard output: [{"name", "seconds", "micros", "intents": [[label, confidence], ...]} or {..., "entities": [...]}
                  or {"name", "absent": why}]
"""
import json, os, re, sys, tempfile, time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "2")

request = json.load(sys.stdin)
train, test = request["train"], request["test"]
texts, labels = [m["text"] for m in train], [m["intent"] for m in train]
asked = [m["text"] for m in test]


def timed(fit, predict):
    start = time.perf_counter()
    model = fit()
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    found = predict(model)
    return found, seconds, (time.perf_counter() - start) / max(len(asked), 1) * 1e6


def scikit(make):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\w+", sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)

    def predict(model):
        import numpy

        scores = model.decision_function(asked)
        if scores.ndim == 1:
            scores = numpy.stack([-scores, scores], axis=1)
        scores = numpy.exp(scores - scores.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        best = scores.argmax(axis=1)
        return [[str(model.classes_[b]), float(row[b])] for row, b in zip(scores, best)]

    found, seconds, micros = timed(lambda: make_pipeline(make_union(words, characters), make()).fit(texts, labels), predict)
    return {"intents": found, "seconds": seconds, "micros": micros}


def linear_svc():
    from sklearn.svm import LinearSVC

    return scikit(lambda: LinearSVC(C=1.0))


def logistic_regression():
    from sklearn.linear_model import LogisticRegression

    return scikit(lambda: LogisticRegression(C=20.0, max_iter=200))


def fasttext():
    import fasttext as library

    names = sorted(set(labels))
    number = {name: str(i) for i, name in enumerate(names)}
    clean = lambda text: re.sub(r"\s+", " ", re.sub(r"([^\w\s])", r" \1 ", text.lower())).strip()
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        file.writelines(f"__label__{number[label]} {clean(text)}\n" for text, label in zip(texts, labels))
    fit = lambda: library.train_supervised(
        file.name, lr=0.5, epoch=50, wordNgrams=2, minn=2, maxn=4, dim=100, bucket=200000, thread=2, verbose=0
    )

    def predict(model):
        found = []
        for text in asked:
            # The wrapper's own method does not work with NumPy 2.
            (confidence, label), = model.f.predict(clean(text) + "\n", 1, 0.0, "strict") or [(0.0, "__label__0")]
            found.append([names[int(label[len("__label__"):])], min(float(confidence), 1.0)])
        return found

    try:
        found, seconds, micros = timed(fit, predict)
    finally:
        os.unlink(file.name)
    return {"intents": found, "seconds": seconds, "micros": micros}


def crfsuite():
    if not any(m["entities"] for m in train):
        return None
    import sklearn_crfsuite

    cut = lambda text: [(m.group(), m.start(), m.end()) for m in re.finditer(r"\w+|[^\w\s]", text)]
    shape = lambda w: re.sub(r"\d", "d", re.sub(r"[a-z]", "x", re.sub(r"[A-Z]", "X", w)))[:8]

    def features(tokens):
        rows = []
        for i, (word, _, _) in enumerate(tokens):
            row = ["bias", "pre=" + word[:3].lower(), "suf=" + word[-3:].lower(), "suf2=" + word[-2:].lower(), "shape=" + shape(word)]
            for offset in (-2, -1, 0, 1, 2):
                j = i + offset
                row.append(f"w{offset}=" + (tokens[j][0].lower() if 0 <= j < len(tokens) else "_"))
            for offset in (-1, 0):
                if 0 <= i + offset and i + offset + 1 < len(tokens):
                    row.append(f"b{offset}={tokens[i + offset][0].lower()} {tokens[i + offset + 1][0].lower()}")
            rows.append(row)
        return rows

    def tags(message, tokens):
        row = ["O"] * len(tokens)
        for name, start, end in message["entities"]:
            inside = [i for i, (_, a, b) in enumerate(tokens) if a < end and b > start]
            for place, i in enumerate(inside):
                row[i] = ("I-" if place else "B-") + name
        return row

    cut_train = [cut(t) for t in texts]
    rows = [features(t) for t in cut_train]
    goal = [tags(m, t) for m, t in zip(train, cut_train)]
    fit = lambda: sklearn_crfsuite.CRF(algorithm="ap", max_iterations=10).fit(rows, goal)

    def predict(model):
        found = []
        for text in asked:
            tokens, spans = cut(text), []
            row = model.predict_single(features(tokens)) if tokens else []
            for (_, start, end), tag in zip(tokens, row):
                if tag.startswith("I-") and spans and spans[-1][0] == tag[2:] and not text[spans[-1][2]:start].strip():
                    spans[-1][2] = end
                elif tag != "O":
                    spans.append([tag[2:], start, end])
            found.append(spans)
        return found

    found, seconds, micros = timed(fit, predict)
    return {"entities": found, "seconds": seconds, "micros": micros}


def rasa_diet():
    import asyncio, inspect

    import rasa.model_training
    from rasa.core.agent import Agent

    has_entities = any(m["entities"] for m in train)
    pipeline = [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": request["rasa"], "random_seed": 1, "entity_recognition": has_entities},
    ]
    example = lambda m: {
        "text": m["text"],
        "intent": m["intent"],
        "entities": [{"entity": n, "start": a, "end": b, "value": m["text"][a:b]} for n, a, b in m["entities"]],
    }
    done = lambda value: asyncio.run(value) if inspect.iscoroutine(value) else value

    def fit():
        folder = tempfile.mkdtemp()
        path = lambda name: os.path.join(folder, name)
        with open(path("config.yml"), "w") as file:
            # JSON is YAML.
            json.dump({"recipe": "default.v1", "language": "en", "assistant_id": "bench", "pipeline": pipeline}, file)
        os.mkdir(path("data"))
        with open(path("data/nlu.json"), "w") as file:
            json.dump({"rasa_nlu_data": {"common_examples": [example(m) for m in train]}}, file)
        return Agent.load(done(rasa.model_training.train_nlu(path("config.yml"), path("data"), path("models"))))

    def predict(agent):
        async def all_of_them():
            return [await agent.parse_message(text) for text in asked]

        return asyncio.run(all_of_them())

    found, seconds, micros = timed(fit, predict)
    answer = {"seconds": seconds, "micros": micros}
    answer["intents"] = [[m["intent"]["name"] or "", float(m["intent"]["confidence"])] for m in found]
    if has_entities:
        answer["entities"] = [[[e["entity"], e["start"], e["end"]] for e in m["entities"]] for m in found]
    return answer


# Libraries write where they like: only the answer goes to the real one.
output, sys.stdout = sys.stdout, sys.stderr
others = [
    ("scikit-learn LinearSVC", linear_svc),
    ("scikit-learn LogisticRegression", logistic_regression),
    ("fastText", fasttext),
    ("sklearn-crfsuite", crfsuite),
]
answers = []
for name, peer in (others if request["peers"] else []) + ([("Rasa DIET", rasa_diet)] if request["rasa"] else []):
    try:
        answer = peer()
    except ImportError as error:
        wanted = "rasa==3.6.21" if peer is rasa_diet else "scikit-learn fasttext-wheel sklearn-crfsuite"
        answer = {"absent": f"not there ({error}); `pip install {wanted}`"}
    if answer:
        answers.append({"name": name, **answer})
json.dump(answers, output)
