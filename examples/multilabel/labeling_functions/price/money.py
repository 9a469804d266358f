import labelkit as lk

NO, YES = 0, 1
MONEY = {"expensive", "cheap", "price", "prices", "value", "wallet", "money", "bill", "paid", "costs"}

amount = lk.rules.pattern("amount", r"\b\d+ euros\b", field="text", label="yes")


def words_of(text):
    return set(text.lower().replace("cheap phones", "").replace(".", " ").split())


@lk.labeling_function()
def money(x):
    return YES if MONEY & words_of(x.text) else lk.ABSTAIN


@lk.labeling_function()
def no_money(x):
    return lk.ABSTAIN if (MONEY | {"euros"}) & words_of(x.text) else NO
