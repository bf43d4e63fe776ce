"""All fixed words of an alert in English, Russian and Kazakh, with their plural forms.

Problem: `1 sources` and `5 источника` read as carelessness, and a phrase that exists in two of three languages is found by the
third reader. Choice: one frozen value per language whose fields the type checker demands; numbers choose their form by
CLDR's plural rules (English one/other, Russian one/few/many, Kazakh leaves the noun as it is after a number).
Refused: gettext catalogues; three languages of sixty phrases are read, compared and tested more easily side by side.

Alerts without a report carry `facts`, so that they too speak the reader's language:
- `watching`: `feeds` (how many are watched now), `names` of the new ones, `more` (new ones not named), `entries` (that stood in the
  new ones), `failing` (of all, cannot be read);
- `operator`: `what` (a key of `OPERATOR_FACTS`) and the facts that its sentence fills in.
Where facts are missing, the alert's own headline and note stand as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.model import Language, Severity

Forms = tuple[str, ...]
"""The forms of a phrase with `{n}`: en (one, other), ru (one, few, many), kk (other)."""

OPERATOR_FACTS: Mapping[str, tuple[str, ...]] = {
    "template_failed": ("problems",),
    "channel_failing": ("channel", "detail"),
    "channel_gone": ("channel", "detail"),
    "channel_recovered": ("channel",),
    "entry_aside": ("detail",),
    "channel_removed": ("ended",),
    "network_down": ("minutes",),
    "gap": ("feed", "detail"),
    "feeds_quiet": ("names",),
}
"""What an operator alert can be about, and the facts its sentence needs."""


AS_WRITTEN = "as written"
"""The rule of a word that stands in the text as in the keyword: it needs no saying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """The words of one language. Names in braces are filled in; quotation marks are those of the language."""

    language: Language
    severity: Mapping[str, str]
    """By `Severity.word`, in capitals: they begin the subject."""
    grades: Mapping[str, str]
    """Reliability of a source, Admiralty code A to F."""
    languages: Mapping[Language, str]
    fields: Mapping[str, str]
    rules: Mapping[str, str]
    """What joined a keyword to a word of a text, by its name in reasons (see `rule`)."""
    periods: Mapping[str, str]
    """When a name was official, by how a rule begins: `name until 1993`."""
    reasons: Mapping[str, str]
    """Why the policy told it, by its named reason; `other` for one that has no sentence of its own."""
    operator: Mapping[str, tuple[str, str]]
    """Headline and sentence of what the service says about itself."""
    test_word: str
    test_headline: str
    test_banner: str
    test_sentence: str
    watching_headline: Forms
    watching_names: str
    watching_entries: Forms
    watching_failing: Forms
    operator_kicker: str
    watching_kicker: str
    source: str
    grade: str
    author: str
    written_in: str
    published: str
    no_time: str
    first_seen: str
    decided: str
    delayed: str
    read: str
    about: str
    matched_words: str
    other_sources: str
    no_other_source: str
    more: str
    why: str
    watch: str
    route: str
    quote: str
    story: str
    alert: str
    note: str
    footer: str
    footer_service: str
    """Under alerts without a report."""
    new_here: Forms
    """A story told on another route or unwanted before: `n` outlets have it by now."""

    def plural(self, forms: Forms, n: int) -> str:
        """Return the form for `n` with the number in it."""
        return forms[plural_form(n, self.language)].format(n=n)

    def rule(self, rule: str) -> str:
        """Return what joined a keyword to the words of a text, less that a word is written as it is; one that has no name as it is."""
        parts = (part for part in rule.split(", ") if part and part != AS_WRITTEN)
        return ", ".join(map(self._rule, parts))

    def _rule(self, part: str) -> str:
        beginning, _, year = part.rpartition(" ")
        period = self.periods.get(beginning)
        return period.format(year=year) if period else self.rules.get(part, part)

    def severity_word(self, severity: Severity) -> str:
        """Return the severity as subjects begin with it."""
        return self.severity[severity.word]


def plural_form(n: int, language: Language) -> int:
    """Return the index of the plural form for `n` (CLDR cardinal rules for whole numbers)."""
    if language == "ru":
        teen = n % 100 in range(11, 15)
        if n % 10 == 1 and not teen:
            return 0
        return 1 if n % 10 in range(2, 5) and not teen else 2
    return 0 if language == "kk" or n == 1 else 1


def phrases(language: Language) -> Phrases:
    """Return the words of a language; English for one that alerts are not written in."""
    return _ALL.get(language, ENGLISH)


ENGLISH = Phrases(
    language="en",
    severity={"info": "INFO", "notice": "NOTICE", "warning": "WARNING", "critical": "CRITICAL"},
    grades={
        "A": "completely reliable",
        "B": "usually reliable",
        "C": "fairly reliable",
        "D": "not usually reliable",
        "E": "unreliable",
        "F": "reliability not known",
    },
    languages={"en": "English", "ru": "Russian", "kk": "Kazakh"},
    fields={"title": "title", "text": "text", "source": "source", "language": "language"},
    rules={
        "Kazakh suffix": "Kazakh suffix",
        "Kazakh demonym": "Kazakh demonym",
        "Kazakh verb ending": "Kazakh verb ending",
        "Russian ending": "Russian ending",
        "English ending": "English ending",
        "any ending": "any ending",
        "acronym": "acronym",
        "other spelling": "other spelling",
        "spelling": "spelled alike",
        "pattern": "pattern",
    },
    periods={"name until": "name until {year}", "name since": "name since {year}"},
    reasons={
        "new_story": "New story: this is its first report.",
        "newly_matched": "An edited report: it matches your watch since its last change.",
        "other": "New report.",
    },
    operator={
        "template_failed": (
            "A template of yours failed",
            "{problems}. The built-in template was used; no alert was lost.",
        ),
        "channel_failing": (
            "Channel {channel} takes no messages",
            "{detail}. Deliveries wait and are tried again.",
        ),
        "channel_gone": ("Channel {channel} is gone", "{detail}. Nothing more is sent there until it is set up again."),
        "channel_recovered": ("Channel {channel} works again", "What was waiting is being sent."),
        "entry_aside": (
            "An entry could not be decided and was set aside",
            "{detail}. It is kept and nothing waits for it. Please report this with the service's log.",
        ),
        "channel_removed": (
            "Alerts were waiting for a channel that was removed",
            "Deliveries ended without arriving: {ended}. `monitor deliveries list --state dead` shows them; with the channel back under its name, `monitor deliveries retry` sends them.",
        ),
        "network_down": (
            "The network of this machine was down",
            "For {minutes} minutes no publisher could be reached. No feed was blamed for it; all that was due is being polled now.",
        ),
        "gap": (
            "Entries of a feed may have been missed: {feed}",
            "{detail} Give it a shorter pace, or look at the publisher's site.",
        ),
        "feeds_quiet": (
            "Feeds went quiet",
            "Nothing comes any more from: {names}. `monitor feeds list` says why and what to do.",
        ),
    },
    test_word="TEST",
    test_headline="Test alert",
    test_banner="This is a test.",
    test_sentence="Nothing has happened. If you can read this, alerts on this route reach you.",
    watching_headline=("Now watching {n} feed", "Now watching {n} feeds"),
    watching_names="New: {names}.",
    watching_entries=(
        "{n} entry stood there already; what is older than the alert window is stored without an alert.",
        "{n} entries stood there already; what is older than the alert window is stored without an alert.",
    ),
    watching_failing=(
        "{n} feed cannot be read at the moment: `monitor status` tells why.",
        "{n} feeds cannot be read at the moment: `monitor status` tells why.",
    ),
    operator_kicker="The service about itself",
    watching_kicker="New feed",
    source="Source",
    grade="Reliability",
    author="Author",
    written_in="in {language}",
    published="Published",
    no_time="time not stated",
    first_seen="First seen",
    decided="Alerted",
    delayed="Delayed: this alert was written {span} after the report.",
    read="Read the report",
    about="About",
    matched_words="Matched words",
    other_sources="Other sources",
    no_other_source="No other source so far.",
    more="and {n} more",
    why="Why you got this",
    watch="watch {title}",
    route="route {name}",
    quote="“{text}”",
    story="Story",
    alert="Alert",
    note="Details",
    footer="Written automatically from public feeds. Statements are those of the source.",
    footer_service="Written by the monitoring service itself.",
    new_here=(
        "New on this route: {n} source reports this story by now.",
        "New on this route: {n} sources report this story by now.",
    ),
)

RUSSIAN = Phrases(
    language="ru",
    severity={"info": "ИНФО", "notice": "ВНИМАНИЕ", "warning": "ТРЕВОГА", "critical": "КРИТИЧНО"},
    grades={
        "A": "полностью надёжен",
        "B": "обычно надёжен",
        "C": "довольно надёжен",
        "D": "не всегда надёжен",
        "E": "ненадёжен",
        "F": "надёжность неизвестна",
    },
    languages={"en": "английском", "ru": "русском", "kk": "казахском"},
    fields={"title": "заголовок", "text": "текст", "source": "источник", "language": "язык"},
    rules={
        "Kazakh suffix": "казахский суффикс",
        "Kazakh demonym": "казахское имя жителя",
        "Kazakh verb ending": "казахское окончание глагола",
        "Russian ending": "русское окончание",
        "English ending": "английское окончание",
        "any ending": "любое окончание",
        "acronym": "сокращение",
        "other spelling": "другое написание",
        "spelling": "похожее написание",
        "pattern": "шаблон",
    },
    periods={"name until": "название до {year} г.", "name since": "название с {year} г."},
    reasons={
        "new_story": "Новый сюжет: это первое сообщение о нём.",
        "newly_matched": "Сообщение изменили: после правки оно подходит под вашу тему.",
        "other": "Новое сообщение.",
    },
    operator={
        "template_failed": (
            "Ошибка в вашем шаблоне",
            "{problems}. Использован встроенный шаблон, ни одно оповещение не потеряно.",
        ),
        "channel_failing": (
            "Канал {channel} не принимает сообщения",
            "{detail}. Отправка отложена, попытки продолжаются.",
        ),
        "channel_gone": (
            "Канала {channel} больше нет",
            "{detail}. Пока его не настроят заново, туда ничего не отправляется.",
        ),
        "channel_recovered": ("Канал {channel} снова работает", "Отложенные сообщения отправляются."),
        "entry_aside": (
            "Запись не удалось обработать, она отложена",
            "{detail}. Она сохранена, остальные её не ждут. Сообщите об этом разработчикам, приложив журнал службы.",
        ),
        "channel_removed": (
            "Оповещения ждали канала, который удалён",
            "Недоставленных сообщений: {ended}. Их показывает `monitor deliveries list --state dead`; когда канал вернётся под тем же именем, их отправит `monitor deliveries retry`.",
        ),
        "network_down": (
            "Сеть этого компьютера не работала",
            "В течение {minutes} мин. ни один источник не был доступен. Ленты в этом не виноваты; всё, что пора опросить, сейчас опрашивается.",
        ),
        "gap": (
            "Часть записей ленты могла быть пропущена: {feed}",
            "{detail} Задайте ей более частый опрос или посмотрите сайт источника.",
        ),
        "feeds_quiet": (
            "Ленты замолчали",
            "Больше ничего не приходит из: {names}. Почему и что делать, показывает `monitor feeds list`.",
        ),
    },
    test_word="ТЕСТ",
    test_headline="Проверочное оповещение",
    test_banner="Это проверка.",
    test_sentence="Ничего не произошло. Если вы это читаете, оповещения по этому маршруту до вас доходят.",
    watching_headline=("Под наблюдением {n} лента", "Под наблюдением {n} ленты", "Под наблюдением {n} лент"),
    watching_names="Новые: {names}.",
    watching_entries=(
        "Там уже была {n} запись; всё, что старше окна оповещений, сохраняется без оповещения.",
        "Там уже были {n} записи; всё, что старше окна оповещений, сохраняется без оповещения.",
        "Там уже было {n} записей; всё, что старше окна оповещений, сохраняется без оповещения.",
    ),
    watching_failing=(
        "Сейчас не читается {n} лента: причину покажет `monitor status`.",
        "Сейчас не читаются {n} ленты: причину покажет `monitor status`.",
        "Сейчас не читается {n} лент: причину покажет `monitor status`.",
    ),
    operator_kicker="Сообщение самой службы",
    watching_kicker="Новая лента",
    source="Источник",
    grade="Надёжность",
    author="Автор",
    written_in="на {language}",
    published="Опубликовано",
    no_time="время не указано",
    first_seen="Замечено",
    decided="Оповещение",
    delayed="С опозданием: оповещение составлено через {span} после сообщения.",
    read="Открыть сообщение",
    about="О чём",
    matched_words="Найденные слова",
    other_sources="Другие источники",
    no_other_source="Других источников пока нет.",
    more="и ещё {n}",
    why="Почему вы это получили",
    watch="тема {title}",
    route="маршрут {name}",
    quote="«{text}»",
    story="Сюжет",
    alert="Оповещение",
    note="Подробности",
    footer="Составлено автоматически по открытым лентам. Утверждения принадлежат источнику.",
    footer_service="Написано самой службой мониторинга.",
    new_here=(
        "Впервые на этом маршруте: о событии уже сообщает {n} источник.",
        "Впервые на этом маршруте: о событии уже сообщают {n} источника.",
        "Впервые на этом маршруте: о событии уже сообщают {n} источников.",
    ),
)

KAZAKH = Phrases(
    language="kk",
    severity={"info": "АҚПАРАТ", "notice": "НАЗАР", "warning": "ДАБЫЛ", "critical": "ШҰҒЫЛ"},
    grades={
        "A": "толық сенімді",
        "B": "әдетте сенімді",
        "C": "біршама сенімді",
        "D": "кейде ғана сенімді",
        "E": "сенімсіз",
        "F": "сенімділігі белгісіз",
    },
    languages={"en": "ағылшын", "ru": "орыс", "kk": "қазақ"},
    fields={"title": "тақырып", "text": "мәтін", "source": "дереккөз", "language": "тіл"},
    rules={
        "Kazakh suffix": "қазақша жалғау",
        "Kazakh demonym": "қазақша тұрғын атауы",
        "Kazakh verb ending": "қазақша етістік жалғауы",
        "Russian ending": "орысша жалғау",
        "English ending": "ағылшынша жалғау",
        "any ending": "кез келген жалғау",
        "acronym": "қысқарған сөз",
        "other spelling": "басқаша жазылуы",
        "spelling": "ұқсас жазылуы",
        "pattern": "үлгі",
    },
    periods={"name until": "{year} жылға дейінгі атауы", "name since": "{year} жылдан бергі атауы"},
    reasons={
        "new_story": "Жаңа оқиға: бұл — ол туралы алғашқы хабар.",
        "newly_matched": "Хабар өзгертілді: түзетуден кейін ол сіздің бақылауыңызға сай келді.",
        "other": "Жаңа хабар.",
    },
    operator={
        "template_failed": (
            "Үлгіңізде қате бар",
            "{problems}. Кірістірілген үлгі қолданылды, бірде-бір хабарландыру жоғалған жоқ.",
        ),
        "channel_failing": (
            "{channel} арнасы хабарларды қабылдамай тұр",
            "{detail}. Жіберу кейінге қалды, әрекет қайталанады.",
        ),
        "channel_gone": (
            "{channel} арнасы енді жоқ",
            "{detail}. Қайта бапталғанша ол жаққа ештеңе жіберілмейді.",
        ),
        "channel_recovered": ("{channel} арнасы қайта жұмыс істеп тұр", "Күтіп тұрған хабарлар жіберіліп жатыр."),
        "entry_aside": (
            "Бір жазбаны өңдеу мүмкін болмай, ол бөлек қойылды",
            "{detail}. Ол сақталды, қалғандары оны күтпейді. Қызмет журналын қосып, әзірлеушілерге хабарлаңыз.",
        ),
        "channel_removed": (
            "Хабарландырулар жойылған арнаны күтіп тұрған еді",
            "Жеткізілмеген хабарлар саны: {ended}. Оларды `monitor deliveries list --state dead` көрсетеді; арна сол атпен қайтарылса, `monitor deliveries retry` жібереді.",
        ),
        "network_down": (
            "Бұл компьютердің желісі істемей қалды",
            "{minutes} минут бойы бірде-бір дереккөзге қол жетпеді. Таспалардың кінәсі жоқ; уақыты келгендердің бәрі қазір сұралып жатыр.",
        ),
        "gap": (
            "Таспаның кейбір жазбалары өтіп кетуі мүмкін: {feed}",
            "{detail} Оны жиірек сұратыңыз немесе дереккөздің сайтын қараңыз.",
        ),
        "feeds_quiet": (
            "Таспалар үнсіз қалды",
            "Мына таспалардан енді ештеңе келмейді: {names}. Себебін және не істеу керегін `monitor feeds list` көрсетеді.",
        ),
    },
    test_word="СЫНАҚ",
    test_headline="Сынақ хабарландыруы",
    test_banner="Бұл — сынақ.",
    test_sentence="Ештеңе болған жоқ. Осыны оқып отырсаңыз, осы бағыттағы хабарландырулар сізге жетіп тұр.",
    watching_headline=("{n} таспа бақылауда",),
    watching_names="Жаңалары: {names}.",
    watching_entries=("Оларда бұрыннан {n} жазба бар; хабарландыру мерзімінен ескілері хабарландырусыз сақталады.",),
    watching_failing=("Қазір {n} таспа оқылмай тұр: себебін `monitor status` көрсетеді.",),
    operator_kicker="Қызметтің өзі туралы хабары",
    watching_kicker="Жаңа таспа",
    source="Дереккөз",
    grade="Сенімділігі",
    author="Авторы",
    written_in="{language} тілінде",
    published="Жарияланған",
    no_time="уақыты көрсетілмеген",
    first_seen="Байқалған",
    decided="Хабарландырылған",
    delayed="Кешіккен: хабарландыру хабардан {span} кейін жазылды.",
    read="Хабарды оқу",
    about="Не туралы",
    matched_words="Табылған сөздер",
    other_sources="Басқа дереккөздер",
    no_other_source="Әзірге басқа дереккөз жоқ.",
    more="және тағы {n}",
    why="Бұл сізге неге келді",
    watch="{title} бақылауы",
    route="{name} бағыты",
    quote="«{text}»",
    story="Оқиға",
    alert="Хабарландыру",
    note="Толығырақ",
    footer="Ашық таспалар бойынша автоматты түрде жазылды. Мәлімдемелер дереккөзге тиесілі.",
    footer_service="Мониторинг қызметінің өзі жазды.",
    new_here=("Бұл бағытта жаңа: оқиға туралы қазір {n} дереккөз хабарлап отыр.",),
)

_ALL: Mapping[Language, Phrases] = {each.language: each for each in (ENGLISH, RUSSIAN, KAZAKH)}
