"""Function words of the languages read: they tell a language, and none of them is a keyword by itself.

Written from grammar: articles, pronouns, prepositions, conjunctions, particles, auxiliary verbs, and the adverbs of time and
degree that stand in every text. Words of a subject (government, газ, қала) are no function words, however frequent.
"""

from __future__ import annotations

from monitor.language.text import forms


def _words(text: str) -> frozenset[str]:
    return frozenset(forms(text))


ENGLISH = _words(
    """a about above across after again against ago all almost along already also although always am among an and another
    any anyone anything are around as at away back be became because become been before behind being below between both but
    by can cannot could did do does doing done down during each either else enough even ever every everyone everything few
    for from further get gets getting go goes going gone got had has have having he her here hers herself him himself his
    how however i if in into is isn't aren't wasn't weren't don't doesn't didn't won't can't couldn't wouldn't shouldn't hasn't haven't hadn't i'm
    it's that's we're they're you're i've it its itself just least less let like made make makes making many may me might mine
    more most much must my myself near neither never no nobody none nor not nothing now of off often on once one only onto
    or other others our ours out over own per perhaps put quite rather really said same say saying says see seen shall she
    should since so some someone something soon still such take taken takes than that the their theirs them themselves then
    there these they thing things this those though through throughout till to today together tomorrow tonight too toward
    towards two under until up upon us very via was we well were what whatever when where whether which while who whom whose
    why will with within without would yesterday yet you your yours yourself"""
)
RUSSIAN = _words(
    """а без более больше буду будем будет будете будто будут бы был была были было быть в вам вами вас ваш ваша ваше ваши
    вблизи вдоль ведь весь взамен вместе вместо вне внутри во вокруг вот впервые впрочем все всегда всего всей всем всеми
    всему всех всею вся всю всюду вчера вы где говорит говорят да даже два две двух для до должен должна должно должны
    другая другие других другого другое другой его ее ей ему если есть еще же за завтра зачем здесь и из изо или им имени
    ими иногда их к каждая каждый кажется как какая какие каких какого какое какой каком когда кого кому конечно которая
    которого которое которой котором которому которую которые который которым которыми которых кроме кто куда ли либо лишь
    между меня менее мне мной много могла могли могло может можно могут мое моей моего мой моя мы на навсегда над надо нам
    нами нас наш наша наше наши не него нее ней нельзя нем нему несколько нет нечего ни нибудь никогда никто ним ними них
    ничего но ну нужно о об оба обо один одна однако одни одним одной однажды около он она они оно опять от отсюда очень
    перед по под подо пока после потому потом почему почти при про просто против раз разве с сам сама сами само самый самых
    свое своего своей своем своему своих свой своими свою свои себе себя сегодня сейчас сквозь сколько слишком снова со
    собой совсем среди сразу стал стала стали стало так такая также такие таких такого такое такой там твой те тебе тебя тем
    теми теперь тех то тобой тогда того тоже той только том тому тот точно три ту тут ты у уж уже хоть хотя чего чей чем
    через что чтоб чтобы чуть эта эти этим этими этих это этого этой этом этому этот эту я"""
)
KAZAKH = _words(
    """ал алайда алғаш алдын алдында анау аса арасында арқылы артық арналған ау ба бар бара барлық басқа бе бен
    бер бері береді беру бәрі бәрін бізге біз біздің бізді бір бірақ біраз бірге біреу бірі бірқатар бола болады болар болатын
    болғалы болған болғанын болды болса болсын болуы болу болып болмады болмайды бойы бойынша бойында бойымен бұл бұлар бұған
    бұдан бұны бұның бүгін бүкіл бұрын бұрынғы да дағы дәл де дей дейді дейін деген дегенмен дегендей деді
    деп десе егер едім еді едік екен екенін ең енді ер еш ешкім ешқандай ештеңе және жақын жатыр жатқан жоқ жөн жөнінде
    жүр жүрген за иә көп көптеген кейін кейбір кез келген келді кеше керек кім кімге кімнің қазір қай қайда қайсы қайта қалай
    қана қандай қарай қарсы қашан мен мене мені менің мәселен мұнда мұндай мұны мұның немесе не неге негізінен ол олар
    оларға олардың оларды онда ондай оны оның осы осылай осындай осыған отыр отырған отырып өз өзге өзі өзін өзінің өзіне
    өйткені өте па пе пен сайын сен сені сенің сәйкес сияқты сіз сізге сіздің сол сондай сондықтан соң соңғы сонымен сонда
    солай та тағы таяу те тек тиіс туралы түрлі тұр тұрған үшін үстінде шығар шейін шамамен ғана әлі әр әрі әрбір әсіресе
    ішінде іші ретінде рет тыс тура жүзінде жоғары төмен"""
)
OWN_CYRILLIC = RUSSIAN | KAZAKH
OTHER_LATIN = (
    _words(
        """der die das und ist nicht mit ein eine einen einem einer auf für wurde wurden wird werden nach bei von zum zur den dem
    des sich auch als aus oder aber noch über sind hat haben gegen vor im um beim durch unter ohne zwischen wegen soll kann mehr wie sein seine
    le la les et est un une en dans pour sont avec sur par que qui du des au aux pas ce cette ses leur ont été après
    contre selon mais depuis entre sous où
    el los las tres dos por para con una del que se su sus más como está ha han tras desde sobre entre pero contra según
    il di che al della delle dei nel nella sono è dopo gli anche dal alla per tra
    em não uma dos das pelo pela com após ao também mais são os
    het een van voor niet zijn naar werd wordt ook bij maar heeft
    nie się jest po przez dla jak od oraz przed został została tym jego będzie roku
    och att det som för inte på av är til og ikke av med som
    ve bir için ile bu olarak daha çok sonra olan oldu etti dedi göre kadar ise gibi ancak değil dan karşı de da
    va bilan uchun bu deb bo‘lgan edi haqida bo‘yicha o‘z keyin qilindi bo‘ldi dedi
    və üçün ilə olan olub edib
    a az és hogy nem egy je na sa za se su nije koji što v na je za se po"""
    )
    - ENGLISH
)
"""Of languages not read: German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Turkish, Uzbek, Azerbaijani ..."""
OTHER_CYRILLIC = (
    _words(
        """що та від які який яка яке про для після але його її їх був була було були між буде також щоб як ще або якщо цього
        цей ця вже чи із зі уряд заявив
        што пра гэта які яна яго быў паводле каб ці таксама пасля дзе з супраць
        от това ще са съм като със във който която които бяха беше след няма при
        је који која није али што ће биће са након због након од
        жана менен үчүн болгон эмес бирок кийин ушул анын тууралуу боюнча кылган алар эле эми жок дагы керек
        ва барои аст буд шуд учун билан ҳам бўлган эмас бўйича эди ҳақида
        һәм белән өчен дип булган турында менән
        нь байна болон энэ гэж юм байгаа дээр"""
    )
    - OWN_CYRILLIC
)
"""Of languages not read: Ukrainian, Belarusian, Bulgarian, Serbian, Kyrgyz, Tajik, Uzbek, Tatar, Bashkir, Mongolian."""
KAZAKH_LATIN = _words(
    """jäne jane üşin ushin ūşın üshin turaly turalı boiynşa boiynsha boıynsha dep dedi bul būl osy osı bolyp bolıp boldy boldı bolğan
    bolgan bolady boladı emes eken edi kerek keıin kein keiin keyin qazaqstan qalasynda qalasında oblysynda habarlady xabarladı
    aitty ayttı jyly jılı jyl ötti degen üşın menen bwl barlyq barlıq arqyly arqılı tağy tagy taǵy jaña jana qazir äli är eki"""
)
"""Kazakh in Latin letters, old and new."""
COMMON_WORDS = ENGLISH | RUSSIAN | KAZAKH
"""Words that a keyword may not be alone."""
