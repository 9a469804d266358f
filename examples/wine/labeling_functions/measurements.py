"""What a taster might note down after looking at the 50 wines of split `dev`: rules on one number, functions on two."""

import labelkit as lk

BAROLO, GRIGNOLINO, BARBERA = 0, 1, 2

rich_in_proline = lk.rules.threshold("rich_in_proline", field="proline", above=850, label=BAROLO)
poor_in_proline = lk.rules.threshold("poor_in_proline", field="proline", below=500, label=GRIGNOLINO)
pale = lk.rules.threshold("pale", field="color_intensity", below=3.8, label=GRIGNOLINO)
dark = lk.rules.threshold("dark", field="color_intensity", above=7, label=BARBERA)
low_hue = lk.rules.threshold("low_hue", field="hue", below=0.8, label=BARBERA)
low_alcohol = lk.rules.threshold("low_alcohol", field="alcohol", below=12.5, label=GRIGNOLINO)
low_od_ratio = lk.rules.threshold("low_od_ratio", field="od_ratio", below=1.9, label=BARBERA)


@lk.labeling_function()
def strong_and_flavoured(x):
    return BAROLO if x.alcohol > 13 and x.flavanoids > 2.4 else lk.ABSTAIN


@lk.labeling_function()
def sour(x):
    return BARBERA if x.malic_acid > 2.5 and x.flavanoids < 1.6 else lk.ABSTAIN


@lk.labeling_function()
def few_flavanoids_for_its_phenols(x):
    return BARBERA if x.flavanoids < 0.55 * x.total_phenols else lk.ABSTAIN


@lk.labeling_function()
def phenols_decide(x):
    """Most phenols are Barolo's, fewest are Barbera's; in between this function has no opinion."""
    if x.total_phenols > 2.6 and x.proline > 700:
        return BAROLO
    return BARBERA if x.total_phenols < 1.7 and x.hue < 0.9 else lk.ABSTAIN


@lk.labeling_function()
def light_all_round(x):
    return GRIGNOLINO if x.alcohol < 13 and x.color_intensity < 4.5 else lk.ABSTAIN
