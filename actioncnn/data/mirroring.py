"""Whether clips may be mirrored: not where a class would become another one, as left becomes right."""

import re

from actioncnn.data.folder_words import words
from actioncnn.data.names import fold


def _pairs(text):
    return [tuple(pair.split()) for pair in text.split(",")]


PAIRS = _pairs(
    "left right, clockwise counterclockwise, clockwise anticlockwise, linke rechte, linker rechter, linkes "
    "rechtes, linksherum rechtsherum, gauche droite, izquierda derecha, izquierdo derecho, esquerda direita, "
    "esquerdo direito, sinistra destra, sinistro destro, linksaf rechtsaf, linksom rechtsom, vänster höger, "
    "venstre højre, venstre høyre, vasen oikea, vasemmalle oikealle, lewo prawo, lewa prawa, lewy prawy, doleva "
    "doprava, vlevo vpravo, balra jobbra, stânga dreapta, лево право, влево вправо, налево направо, левый правый, "
    "левая правая, ліворуч праворуч, αριστερά δεξιά, sola sağa, kiri kanan, trái phải, 左 右, 왼쪽 오른쪽, ซ้าย ขวา, "
    "يسار يمين, שמאל ימין, बाएं दाएं"
)
# Words that mean other things too: they count only where the class with the opposite word is there
WEAK = _pairs("links rechts, l r, lh rh, lhs rhs, cw ccw, sol sağ, levo desno, 좌 우")
STRONG = {word for pair in PAIRS for word in pair}
ANYWHERE = tuple(word for word in STRONG if ord(word[0]) > 0x58F)  # of scripts without blanks, or with marks


def turned(classes):
    """The first class that a mirror may turn into another, None where there is none."""
    names = {fold(name) for name in classes}
    letters = {name for name in names if len(name) == 1} - {"l", "r"}  # of an alphabet, where L is no side
    for name in classes:
        if STRONG & set(words(name)) or any(word in fold(name) for word in ANYWHERE):
            return name
        others = (swapped(fold(name), pair, False) for pair in PAIRS)
        weak = (swapped(fold(name), pair, True) for pair in WEAK if not (letters and pair == ("l", "r")))
        if any(other != fold(name) and other in names for other in (*others, *weak)):
            return name
    return None


def swapped(name, pair, whole):
    """A name with the two words of a pair in each other's place; whole: only where they are words for themselves."""
    edges = (r"(?<![^\W\d_])", r"(?![^\W\d_])") if whole else ("", "")
    longest = sorted(pair, key=len, reverse=True)  # counterclockwise holds clockwise
    other = dict(zip(pair, pair[::-1], strict=True))
    return re.sub(f"{edges[0]}({'|'.join(longest)}){edges[1]}", lambda fit: other[fit[0]], name)


def told(classes, flip, asked):
    """The line that says whether clips are mirrored, and why. asked: --flip says it."""
    if asked:
        return f"training clips are {'mirrored at random' if flip else 'not mirrored'}, as --flip {flip} says"
    if flip:
        return "training clips are mirrored at random, because no class name says left or right (--flip False: not)"
    why = f"because a mirror may turn {turned(classes)} into another class"
    return f"training clips are not mirrored, {why} (--flip True: mirrored at random)"
