"""What the names of folders say: sides, people and cameras, actions, ways of recording; in several languages."""

import re

from actioncnn.data import names
from actioncnn.data.names import fold


def _words(*lines):
    return frozenset(" ".join(lines).split())


TRAIN = _words(
    "train training trainset trainingset entrenamiento entraînement apprentissage treino addestramento trainingsdaten",
    "обучение 训练 训练集 訓練 学習 훈련",
)
TEST = _words(
    "test testing tests testset testingset testdaten prueba pruebas teste тест 测试 测试集 テスト 테스트",
)
VALIDATION = _words(
    "val valid validation dev eval evaluation holdout valset validationset devset evalset validierung validación",
    "validação validazione валидация 验证 验证集 検証 검증",
)
SIDES = dict.fromkeys(TRAIN, "train") | dict.fromkeys(TEST, "test") | dict.fromkeys(VALIDATION, "val")
# Words beside these: test_set, videos_train
AROUND = _words("rawframes frames video videos clip clips image images data dataset set split")
# The last word of folders that are numbered: person01, dfdc_train_part_0. Single letters: P01, s1
PEOPLE = _words(
    "person people subject subj sub actor user speaker spk signer performer participant volunteer patient player id",
    "f m p s u vp vpn proband sujet sujeto pessoa persona child kid man woman",
)
OUTER = PEOPLE | _words(
    "camera cam view session sess scene part batch set fold day room site location disk disc volume kinect"
)
TAKES = _words("take trial rep repetition clip video rec recording seq sequence sample try shot segment")
CLASSES = _words("class classe klasse action activity gesture label category sign word exercise pose move c a")
MODALITIES = _words(
    "rgb color colour gray grey depth ir infrared thermal nir flow optical tvl1 skeleton skeletons pose mask masks",
    "original originals resized cropped scaled compressed converted processed preprocessed",
)
# Those that are taken where several show the same, the first first
PREFERRED = ("rgb", "color", "colour", "original", "originals", "video", "videos", "gray", "grey")
ACTIONS = (
    names.UCF101
    | frozenset(re.split(r"[|_]", names.HMDB51))
    | _words(
        "walking running jumping sitting standing falling waving clapping boxing box punching kicking bend bending jog",
        "jogging handclapping drinking eating fight fights fighting nonfight violence nonviolence violent normal",
        "abnormal happy happiness sad sadness angry anger fear disgust surprise neutral contempt calm open close pull",
        "swipe rotate squat squats lunge lunges plank dance dancing swim swimming read reading write writing type",
        "sleep sleeping cook cooking real fake yes no hello goodbye begin stop start",
    )
)


def letters(name):
    return re.sub(r"[\W_]", "", fold(name))


def words(name):
    """The words of a folder's name, in small letters: Train_X2 -> [train, x], trainVideos -> [train, videos]."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(r"(?i)\b(held|hold)[ _-]?out", "holdout", name))
    return [fold(word) for word in re.findall(r"[^\W\d_]+", spaced)]


def side_of(folder):
    """train, val or test of a folder that is named so, maybe with a word such as `set`; None of other names."""
    whole = fold(folder)
    if whole in SIDES:
        return SIDES[whole]
    if re.search(r"\d", folder):
        return None
    parts = words(folder)
    sides = {SIDES[word] for word in parts if word in SIDES}
    return sides.pop() if len(sides) == 1 and all(word in SIDES or word in AROUND for word in parts) else None


def side_in(folder):
    """(side, the other words) of a folder with a word for a side among others; (None, ...) without one, or with two."""
    parts = words(folder)
    sides = {SIDES[word] for word in parts if word in SIDES}
    return sides.pop() if len(sides) == 1 else None, tuple(word for word in parts if word not in SIDES)


def kind_of(folders):
    """What folders are by their names: outer (people, cameras, parts), takes, classes, numbers, alike or names."""
    if all(name.isdecimal() for name in folders):
        return "numbers"
    numbered = [re.fullmatch(r"(\D*?)[\W_]*\d+", name) for name in folders]
    if not all(numbered):
        return "names"
    stems = {"".join(words(fit[1])[-1:]) for fit in numbered}
    if stems <= OUTER:
        return "outer"
    return "takes" if stems <= TAKES else "classes" if stems <= CLASSES else "alike" if len(stems) == 1 else "names"


def people(folders):
    """Whether folders of the kind `outer` are named after people."""
    return all(words(name)[-1:] and words(name)[-1] in PEOPLE for name in folders)


def acts(folders, others):
    """Whether names of actions are among these folders, most of them, and not among the others."""
    shares = [
        sum(any(word in ACTIONS for word in (letters(name), *words(name))) for name in of) / len(of)
        for of in (folders, others)
    ]
    return shares[0] >= 0.5 and not shares[1]
