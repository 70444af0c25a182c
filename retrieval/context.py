"""Which sentences cannot be understood without the one before them."""

from __future__ import annotations

import re

from retrieval.types import Language

_POINTS_BACK: dict[Language, re.Pattern[str]] = {
    "it": re.compile(
        r"[^\w]*(?:quest[oaie]|quell[oaie]|tal[ei]|ciò|ess[oaie]|egli|ella|lui|lei|loro|costui|costei|costoro|inoltre"
        r"|tuttavia|però|infatti|invece|perciò|quindi|pertanto|così|anche|entramb[ie]|il primo|la prima|il secondo"
        r"|la seconda|quest['’]\w+|ha|hanno|è|sono|era|erano|fu|furono)\b",
        re.IGNORECASE,
    ),
    "en": re.compile(
        r"[^\w]*(?:this|that|these|those|it|its|he|she|they|his|her|their|such|however|moreover|therefore|thus|hence"
        r"|also|both|the former|the latter|instead|furthermore|then|but|and|so)\b",
        re.IGNORECASE,
    ),
}


def points_back(sentence: str, language: Language) -> bool:
    """Whether a sentence opens with what stands for something told before: "Questa mossa ...", "It was built ...".

    A reader of the sentence alone does not know what is spoken of.
    """
    return _POINTS_BACK[language].match(sentence) is not None
