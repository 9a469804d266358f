import labelkit as lk

NO, YES = 0, 1
PEOPLE = ["waiter", "waitress", "staff", "manager", "service"]

people = lk.rules.keywords("people", PEOPLE, field="text", label="yes")
waiting = lk.rules.pattern("waiting", r"\b\w+ minutes\b", field="text", label="yes")
asked = lk.rules.contains("asked", ["nobody asked", "remembered my"], field="text", label="yes")


@lk.labeling_function()
def nobody(x):
    text = x.text.lower()
    return lk.ABSTAIN if "minutes" in text or any(word in text for word in PEOPLE) else NO
