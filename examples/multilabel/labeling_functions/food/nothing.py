import labelkit as lk

NO, YES = 0, 1
EATEN = {"soup", "pasta", "fish", "steak", "salad", "curry", "pizza", "risotto", "duck", "dish", "menu", "kitchen"}


@lk.labeling_function()
def nothing_to_eat(x):
    words = x.text.lower().replace(".", " ").replace(",", " ").split()
    return lk.ABSTAIN if EATEN & set(words) else NO
