#!/usr/bin/env python3
"""Writes a project of any size, to measure with: `sapa bench --project FOLDER`.

The same flags and seed give the same bytes. The project is valid: every name
that is used is defined, and no story contradicts a rule.

    python3 scripts/generate_project.py /tmp/large
    python3 scripts/generate_project.py /tmp/small --examples 1000 --intents 50 --stories 100 --domain-mb 0.1
"""

import argparse
import random
from pathlib import Path

WORDS = (
    "saya mau tanya bagaimana cara daftar akun baru untuk layanan kantor pusat cabang kota tolong bantu cek status "
    "tiket nomor surat izin usaha pajak kendaraan jadwal buka tutup hari libur antrean online bayar tagihan listrik "
    "air sampah aduan jalan rusak lampu mati banjir pohon tumbang pindah alamat kartu keluarga akta lahir nikah paspor "
    "perpanjangan biaya syarat dokumen formulir unggah foto salinan asli petugas loket jam kerja sabtu minggu besok"
).split()
PLACES = ["Bandung", "Garut", "Subang", "Ciamis", "Bogor", "Depok", "Bekasi", "Cirebon", "Sumedang", "Kuningan"]
INTENTS_PER_FILE = 100
STORIES_PER_FILE = 500
SLOT_TYPES = ["text", "text", "categorical", "bool", "float", "list", "any"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--intents", type=int, default=2_000)
    parser.add_argument("--stories", type=int, default=5_000)
    parser.add_argument("--rules", type=int, default=500, help="besides those of the forms")
    parser.add_argument("--forms", type=int, default=20)
    parser.add_argument("--entities", type=int, default=100)
    parser.add_argument("--slots", type=int, default=200)
    parser.add_argument("--domain-mb", type=float, default=6.0)
    parser.add_argument("--checkpoints", type=int, default=50)
    parser.add_argument(
        "--chained",
        action="store_true",
        help="let every story start and end with a checkpoint: more paths than anybody can follow",
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Project:
    """The names of a project, and the texts of its files."""

    def __init__(self, flags):
        self.flags = flags
        self.random = random.Random(flags.seed)
        self.forms = [f"form_{n}" for n in range(flags.forms)]
        self.form_slots = {form: [f"{form}_slot_{n}" for n in range(3)] for form in self.forms}
        self.entities = [f"entity_{n}" for n in range(flags.entities)]
        self.slots = [f"slot_{n}" for n in range(flags.slots)]
        rules = min(flags.rules, flags.intents // 2)
        self.rule_intents = [f"faq_{n}" for n in range(rules)]
        self.form_intents = [f"start_{form}" for form in self.forms]
        plain = flags.intents - len(self.rule_intents) - len(self.form_intents) - 1
        self.story_intents = [f"intent_{n}" for n in range(max(plain, 2))]
        self.intents = self.rule_intents + self.form_intents + self.story_intents + ["chitchat"]

    def sentence(self, least=3, most=9):
        return " ".join(self.random.choice(WORDS) for _ in range(self.random.randint(least, most)))

    # Understanding.

    def example(self):
        text = self.sentence()
        chance = self.random.random()
        if chance < 0.25:
            text += f" di [{self.random.choice(PLACES)}]({self.random.choice(self.entities)})"
        elif chance < 0.35:
            entity, place = self.random.choice(self.entities), self.random.choice(PLACES)
            text += f' ke [{place.lower()}]{{"entity": "{entity}", "value": "{place}"}}'
        return text

    def nlu_files(self):
        groups = [name for name in self.intents if name != "chitchat"]
        groups += [f"chitchat/topic_{n}" for n in range(20)]
        each, rest = divmod(self.flags.examples, len(groups))
        for first in range(0, len(groups), INTENTS_PER_FILE):
            lines = ['version: "3.1"', "nlu:"]
            for number, name in enumerate(groups[first : first + INTENTS_PER_FILE], first):
                lines += [f"- intent: {name}", "  examples: |"]
                lines += [f"    - {self.example()}" for _ in range(max(each + (number < rest), 2))]
            if first == 0:
                lines += self.nlu_tables()
            yield f"data/nlu/nlu_{first // INTENTS_PER_FILE:03}.yml", lines

    def nlu_tables(self):
        lines = []
        for place in PLACES:
            lines += [f"- synonym: {place}", "  examples: |", f"    - kota {place.lower()}", f"    - kab. {place.lower()}"]
        lines += [f"- lookup: {self.entities[0]}", "  examples: |"] + [f"    - {place}" for place in PLACES]
        lines += [f"- regex: {self.entities[-1]}", "  examples: |", r"    - \b\d{4,6}\b"]
        return lines

    # Dialogue.

    def user(self, intent, entity=None):
        step = [f"  - intent: {intent}"]
        if entity:
            step += ["    entities:", f"    - {entity}: {self.random.choice(PLACES)}"]
        return step

    def turn(self):
        """What the bot answers depends on the intent alone, so that nothing contradicts."""
        number = self.random.randrange(len(self.story_intents))
        intent, action = self.story_intents[number], f"utter_intent_{number}"
        chance = self.random.random()
        if chance < 0.05 and number + 1 < len(self.story_intents):
            lines = ["  - or:", f"    - intent: {intent}", f"    - intent: chitchat"]
            return lines + [f"  - action: {action}"]
        lines = self.user(intent, self.random.choice(self.entities) if chance < 0.3 else None)
        if chance > 0.9:
            lines += ["  - action: action_look_up", "  - slot_was_set:", f"    - {self.text_slot()}: filled"]
        return lines + [f"  - action: {action}"]

    def text_slot(self):
        return self.slots[self.random.randrange(0, len(self.slots), len(SLOT_TYPES))]

    def story(self, number):
        lines = [f"- story: story {number}", "  steps:"]
        checkpoint = f"checkpoint_{self.random.randrange(max(self.flags.checkpoints, 1))}"
        chance = self.random.random() if self.flags.checkpoints else 1.0
        starts, ends = (chance >= 0.1, True) if self.flags.chained else (0.1 <= chance < 0.2, chance < 0.1)
        if starts:
            lines += [f"  - checkpoint: {checkpoint}"]
        for _ in range(self.random.randint(2, 5)):
            lines += self.turn()
        if ends:
            other = f"checkpoint_{self.random.randrange(max(self.flags.checkpoints, 1))}"
            lines += [f"  - checkpoint: {other}"]
        return lines

    def story_files(self):
        for first in range(0, self.flags.stories, STORIES_PER_FILE):
            lines = ['version: "3.1"', "stories:"]
            for number in range(first, min(first + STORIES_PER_FILE, self.flags.stories)):
                lines += self.story(number)
            yield f"data/stories/stories_{first // STORIES_PER_FILE:03}.yml", lines

    def rule_file(self):
        lines = ['version: "3.1"', "rules:"]
        for number, intent in enumerate(self.rule_intents):
            lines += [f"- rule: answer {intent}", "  steps:", f"  - intent: {intent}", f"  - action: utter_faq_{number}"]
        lines += ["- rule: chat", "  steps:", "  - intent: chitchat", "  - action: utter_chitchat"]
        lines = lines if not self.flags.stories else lines[:-4]
        for form in self.forms:
            lines += [f"- rule: start {form}", "  steps:", f"  - intent: start_{form}", f"  - action: {form}"]
            lines += [f"  - active_loop: {form}", f"- rule: submit {form}", "  condition:", f"  - active_loop: {form}"]
            lines += ["  steps:", f"  - action: {form}", "  - active_loop: null", "  - slot_was_set:"]
            lines += ["    - requested_slot: null", f"  - action: utter_submit_{form}"]
        return "data/rules.yml", lines

    # The domain.

    def slot(self, number, name):
        kind = SLOT_TYPES[number % len(SLOT_TYPES)]
        lines = [f"  {name}:", f"    type: {kind}"]
        if kind == "categorical":
            lines += ["    values:"] + [f"    - {place}" for place in PLACES]
        if kind == "float":
            lines += ["    min_value: 0", "    max_value: 100"]
        if kind == "any" or number % 2:
            lines += ["    influence_conversation: false"]
        return lines + ["    mappings:", "    - type: custom"]

    def form_slot(self, form, name, number):
        lines = [f"  {name}:", "    type: text", "    influence_conversation: false", "    mappings:"]
        if number == 0:
            lines += ["    - type: from_entity", f"      entity: {self.random.choice(self.entities)}"]
        else:
            lines += ["    - type: from_text"]
        return lines + ["      conditions:", f"      - active_loop: {form}", f"        requested_slot: {name}"]

    def response(self, name):
        lines = [f"  {name}:"]
        for _ in range(self.random.randint(1, 3)):
            lines += [f"  - text: {self.sentence(8, 30)}"]
            if self.random.random() < 0.4:
                lines += ["    buttons:"]
                for _ in range(self.random.randint(2, 4)):
                    intent = self.random.choice(self.intents[:-1])
                    lines += [f"    - title: {self.sentence(1, 3)}", f"      payload: /{intent}"]
            if self.random.random() < 0.1:
                lines += ["    condition:", "    - type: slot", f"      name: {self.text_slot()}", "      value: filled"]
                lines += [f"  - text: {self.sentence(8, 20)}"]
        return lines

    def needed_responses(self):
        names = [f"utter_faq_{n}" for n in range(len(self.rule_intents))]
        names += [f"utter_intent_{n}" for n in range(len(self.story_intents))]
        names += [f"utter_submit_{form}" for form in self.forms] + ["utter_chitchat"]
        names += [f"utter_ask_{slot}" for slots in self.form_slots.values() for slot in slots]
        return names + [f"utter_chitchat/topic_{n}" for n in range(20)]

    def domain_file(self):
        lines = ['version: "3.1"', "intents:"] + [f"- {intent}" for intent in self.intents]
        lines += ["entities:"] + [f"- {entity}" for entity in self.entities] + ["actions:", "- action_look_up", "slots:"]
        for number, name in enumerate(self.slots):
            lines += self.slot(number, name)
        for form, slots in self.form_slots.items():
            for number, name in enumerate(slots):
                lines += self.form_slot(form, name, number)
        lines += ["forms:"] if self.forms else []
        for form, slots in self.form_slots.items():
            lines += [f"  {form}:", "    required_slots:"] + [f"    - {slot}" for slot in slots]
        lines += ["responses:"]
        size = sum(len(line) + 1 for line in lines)
        names, extra = self.needed_responses(), 0
        while names or size < self.flags.domain_mb * 1e6:
            name = names.pop(0) if names else f"utter_more_{extra}"
            extra += name.startswith("utter_more_")
            response = self.response(name)
            size += sum(len(line) + 1 for line in response)
            lines += response
        return "domain.yml", lines

    def config_file(self):
        return "config.yml", [
            "recipe: default.v1",
            "assistant_id: generated",
            "language: id",
            "pipeline:",
            "- name: WhitespaceTokenizer",
            "- name: CountVectorsFeaturizer",
            "- name: LogisticRegressionClassifier",
            "- name: EntitySynonymMapper",
            "policies:",
            "- name: MemoizationPolicy",
            "- name: RulePolicy",
            "- name: TEDPolicy",
            "  max_history: 8",
        ]

    def files(self):
        yield self.config_file()
        yield self.domain_file()
        yield from self.nlu_files()
        yield from self.story_files()
        yield self.rule_file()


def main():
    flags = arguments()
    for name, lines in Project(flags).files():
        path = flags.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
