"""Write data/reviews.csv: 600 short reviews of restaurants, with the topics that each is about. Needs no network.

    python examples/multilabel/make_data.py

The reviews are put together from sentences below by a seeded draw, so they are the same everywhere: none to three
topics each, and between them sentences about nothing. Some sentences name no word that gives their topic away, and
some that do are not about it, as in life. A tenth has no topics written down, as nobody has read it yet.

`dev` has 60 reviews for writing labeling functions, `test` 150, `train` the others.
"""

import csv
import random
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent / "data" / "reviews.csv"
SEED, REVIEWS, DEV, TEST = 14, 600, 60, 150
SENTENCES = {
    "food": (
        "The {dish} was delicious.",
        "My {dish} tasted of nothing.",
        "I loved the {dish}, so fresh!",
        "The menu is short and every dish on it is good.",
        "Best {dish} in town.",
        "Cold {dish}, twice.",
        "The kitchen knows what it does with {dish}.",
        "The {dish} needed salt.",
        "Everything was cooked to the point.",
        "We scraped our plates clean.",
    ),
    "service": (
        "The waiter was {manner}.",
        "Our waitress forgot half of what we ordered.",
        "Staff were {manner} from the door on.",
        "We waited {minutes} minutes to be seated.",
        "The service was {manner}.",
        "The manager came over to apologise.",
        "Nobody asked whether we wanted anything else.",
        "They remembered my name from last year.",
        "The staff speak four languages, all of them kindly.",
        "It took {minutes} minutes before anyone looked at us.",
    ),
    "price": (
        "Far too expensive for what it is.",
        "Cheap and cheerful.",
        "We paid {euros} euros for two.",
        "The bill came to {euros} euros.",
        "Good value for the money.",
        "Prices have gone up again.",
        "{euros} euros for a glass of wine is a joke.",
        "You get a lot for little.",
        "My wallet still hurts.",
        "The lunch deal costs {euros} euros.",
    ),
    "": (
        "We came on a {day}.",
        "The place is next to the station.",
        "It was my birthday.",
        "Parking is around the corner.",
        "The music was too loud.",
        "I will be back on {day}.",
        "We had to wait for the bus home in the rain.",
        "The room is bright and warm.",
        "A friend who sells cheap phones told us about it.",
        "The seats are soft, the tables small.",
    ),
}
WORDS = {
    "dish": ("soup", "pasta", "fish", "steak", "salad", "curry", "pizza", "risotto", "duck"),
    "manner": ("friendly", "rude", "attentive", "slow", "charming", "absent", "quick"),
    "minutes": ("five", "twenty", "thirty", "forty", "fifty"),
    "euros": ("9", "14", "25", "38", "60", "95"),
    "day": ("Monday", "Tuesday", "Friday", "Saturday", "Sunday"),
}


def review(rng: random.Random) -> tuple[str, list[str]]:
    """A text and its topics."""
    topics = [topic for topic in SENTENCES if topic and rng.random() < 0.45]
    said = [rng.choice(SENTENCES[topic]) for topic in [*topics, *[""] * rng.randint(not topics, 2)]]
    rng.shuffle(said)
    filled = [sentence.format(**{name: rng.choice(words) for name, words in WORDS.items()}) for sentence in said]
    return " ".join(filled), topics


def main() -> None:
    rng = random.Random(SEED)  # noqa: S311  nothing here is secret
    reviews: dict[str, list[str]] = {}
    while len(reviews) < REVIEWS:
        text, topics = review(rng)
        reviews.setdefault(text, topics)
    split = ["dev"] * DEV + ["test"] * TEST + ["train"] * (REVIEWS - DEV - TEST)
    TARGET.parent.mkdir(exist_ok=True)
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "text", "topics", "split"])
        for number, (text, topics) in enumerate(reviews.items()):
            said = "; ".join(topics) or "[]"  # an empty cell would say that nobody knows
            unread = split[number] == "train" and rng.random() < 0.1
            writer.writerow([f"review-{number + 1:03d}", text, "" if unread else said, split[number]])
    print(f"{TARGET.name}: {len(reviews)} reviews", file=sys.stderr)


if __name__ == "__main__":
    main()
