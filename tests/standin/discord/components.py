"""Discord's rules for components; what breaks one is refused as Discord refuses it.

https://docs.discord.com/developers/components/reference
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from copy import deepcopy
from typing import Any

from tests.standin.calls import Json
from tests.standin.discord.errors import Form
from tests.standin.discord.model import walk

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SELECTS = (3, 5, 6, 7, 8)
SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 18, 19, 21, 22, 23

MOST_COMPONENTS = 40
MOST_TEXT = 4000
_LARGEST_ID = 2**31 - 1
_TOP = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR, CONTAINER)
_IN_CONTAINER = tuple(kind for kind in _TOP if kind != CONTAINER)
_IN_LABEL = (TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)


def check_message(components: Any, form: Form, *, v2: bool, files: Collection[str] = ()) -> None:
    """Note what is wrong with a message's components; ``files``: names of what is attached."""
    check = _Check(form, files)
    shown = form.items(components, "components", MOST_COMPONENTS if v2 else 5)
    for number, component in enumerate(shown):
        check.component(component, f"components.{number}", _TOP if v2 else (ROW,))
    check.ids(shown)
    if v2:
        found = list(walk(shown))
        if len(found) > MOST_COMPONENTS:
            form.wrong("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", "The max number of components is 40.")
        if sum(len(str(c.get("content", ""))) for c in found if c.get("type") == TEXT_DISPLAY) > MOST_TEXT:
            form.wrong(
                "components",
                "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
                f"The displayable text size exceeds {MOST_TEXT}",
            )


def check_modal(data: Any, form: Form) -> None:
    """Note what is wrong with a modal."""
    form.text(data.get("title"), "title", 45, 1)
    form.text(data.get("custom_id"), "custom_id", 100, 1)
    components = form.items(data.get("components"), "components", 5, 1)
    check = _Check(form, ())
    for number, component in enumerate(components):
        where = f"components.{number}"
        if isinstance(component, dict) and component.get("type") == ROW:
            for inside in form.items(component.get("components"), f"{where}.components", 1, 1):
                check.component(inside, f"{where}.components.0", (TEXT_INPUT,))
        else:
            check.component(component, where, (LABEL, TEXT_DISPLAY))
    check.ids(components)


def with_ids(components: list[Json]) -> list[Json]:
    """A copy in which every component has an id, as Discord sees to."""
    named = deepcopy(components)
    taken = {component["id"] for component in walk(named) if component.get("id")}
    following = iter(number for number in range(1, 10_000) if number not in taken)
    for component in walk(named):
        if not component.get("id"):
            component["id"] = next(following)
    return named


class _Check:
    def __init__(self, form: Form, files: Collection[str]) -> None:
        self.form = form
        self.files = files
        self._kinds: dict[int, Callable[[Json, str], None]] = {
            ROW: self._row,
            BUTTON: self._button,
            TEXT_INPUT: self._text_input,
            SECTION: self._section,
            TEXT_DISPLAY: self._text_display,
            THUMBNAIL: self._thumbnail,
            GALLERY: self._gallery,
            FILE: self._file,
            SEPARATOR: self._separator,
            CONTAINER: self._container,
            LABEL: self._label,
            RADIO_GROUP: self._radio_group,
            CHECKBOX_GROUP: self._checkbox_group,
            CHECKBOX: self._custom_id,
            FILE_UPLOAD: self._custom_id,
        }
        self._kinds |= dict.fromkeys(SELECTS, self._select)

    def component(self, component: Any, where: str, allowed: Collection[int]) -> None:
        if not isinstance(component, dict):
            self.form.wrong(where, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        elif self.form.choice(component.get("type"), f"{where}.type", allowed):
            number = component.get("id", 0)
            if not isinstance(number, int) or not 0 <= number <= _LARGEST_ID:
                self.form.wrong(f"{where}.id", "NUMBER_TYPE_MAX", f"int value should be at most {_LARGEST_ID}.")
            self._kinds[component["type"]](component, where)

    def ids(self, components: list[Any]) -> None:
        """Neither ids nor custom ids may stand twice in one message."""
        found = list(walk(components))
        for name, code in (("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"), ("id", "COMPONENT_ID_DUPLICATED")):
            count = Counter(str(component[name]) for component in found if component.get(name))
            for value, times in count.items():
                if times > 1:
                    self.form.wrong("components", code, f"Component {name} {value} cannot be duplicated")

    def _custom_id(self, component: Json, where: str) -> None:
        self.form.text(component.get("custom_id"), f"{where}.custom_id", 100, 1)

    def _row(self, row: Json, where: str) -> None:
        inside = self.form.items(row.get("components"), f"{where}.components", 5, 1)
        for number, component in enumerate(inside):
            self.component(component, f"{where}.components.{number}", (BUTTON, *SELECTS))
        if len(inside) > 1 and any(isinstance(c, dict) and c.get("type") in SELECTS for c in inside):
            self.form.wrong(
                f"{where}.components",
                "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                "The specified component exceeds the maximum width",
            )

    def _button(self, button: Json, where: str) -> None:
        if not self.form.choice(button.get("style"), f"{where}.style", (1, 2, 3, 4, 5)):
            return
        if "label" in button and button["label"] is not None:
            self.form.text(button["label"], f"{where}.label", 80)
        if not button.get("label") and not button.get("emoji"):
            self.form.wrong(where, "BUTTON_COMPONENT_INVALID_EMPTY", "A button needs a label or an emoji")
        if button["style"] == 5:
            self.form.text(button.get("url"), f"{where}.url", 512, 1)
        else:
            self._custom_id(button, where)
        if button.get("url") and button.get("custom_id"):
            self.form.wrong(
                where,
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            )

    def _select(self, select: Json, where: str) -> None:
        self._custom_id(select, where)
        self.form.text(select.get("placeholder") or "", f"{where}.placeholder", 150)
        if select["type"] == STRING_SELECT:
            self._options(select, where, 25, 1)

    def _options(self, component: Json, where: str, most: int, least: int) -> None:
        options = self.form.items(component.get("options"), f"{where}.options", most, least)
        for number, option in enumerate(options):
            at = f"{where}.options.{number}"
            self.form.text(option.get("label"), f"{at}.label", 100, 1)
            self.form.text(option.get("value"), f"{at}.value", 100, 1)
            self.form.text(option.get("description") or "", f"{at}.description", 100)
        if len({option.get("value") for option in options}) < len(options):
            self.form.wrong(f"{where}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Values must be unique")

    def _text_input(self, component: Json, where: str) -> None:
        self._custom_id(component, where)
        self.form.choice(component.get("style"), f"{where}.style", (1, 2))
        self.form.text(component.get("label") or "", f"{where}.label", 45)
        self.form.text(component.get("placeholder") or "", f"{where}.placeholder", 100)
        self.form.text(component.get("value") or "", f"{where}.value", 4000)

    def _section(self, section: Json, where: str) -> None:
        for number, component in enumerate(self.form.items(section.get("components"), f"{where}.components", 3, 1)):
            self.component(component, f"{where}.components.{number}", (TEXT_DISPLAY,))
        self.component(section.get("accessory"), f"{where}.accessory", (BUTTON, THUMBNAIL))

    def _text_display(self, component: Json, where: str) -> None:
        self.form.text(component.get("content"), f"{where}.content", MOST_TEXT, 1)

    def _thumbnail(self, component: Json, where: str) -> None:
        self._media(component.get("media"), f"{where}.media")
        self.form.text(component.get("description") or "", f"{where}.description", 1024)

    def _gallery(self, component: Json, where: str) -> None:
        for number, item in enumerate(self.form.items(component.get("items"), f"{where}.items", 10, 1)):
            self._thumbnail(item, f"{where}.items.{number}")

    def _media(self, media: Any, where: str, *, attached: bool = False) -> None:
        url = media.get("url") if isinstance(media, dict) else None
        if not self.form.text(url, f"{where}.url", 2048, 1):
            return
        name = str(url).removeprefix("attachment://")
        if name == url:
            if attached:
                self.form.wrong(f"{where}.url", "UNFURLED_MEDIA_ITEM_INVALID", "Only attachment:// may be used here")
        elif name not in self.files:
            self.form.wrong(
                f"{where}.url", "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", f"{name} is not attached"
            )

    def _file(self, component: Json, where: str) -> None:
        self._media(component.get("file"), f"{where}.file", attached=True)

    def _separator(self, component: Json, where: str) -> None:
        self.form.choice(component.get("spacing", 1), f"{where}.spacing", (1, 2))

    def _container(self, container: Json, where: str) -> None:
        inside = self.form.items(container.get("components"), f"{where}.components", MOST_COMPONENTS, 1)
        for number, component in enumerate(inside):
            self.component(component, f"{where}.components.{number}", _IN_CONTAINER)

    def _label(self, label: Json, where: str) -> None:
        self.form.text(label.get("label"), f"{where}.label", 45, 1)
        self.form.text(label.get("description") or "", f"{where}.description", 100)
        inside = label.get("component")
        self.component(inside, f"{where}.component", _IN_LABEL)
        if isinstance(inside, dict) and inside.get("disabled"):
            self.form.wrong(f"{where}.component.disabled", "MODAL_COMPONENT_DISABLED", "Modals have nothing disabled")

    def _radio_group(self, component: Json, where: str) -> None:
        self._custom_id(component, where)
        self._options(component, where, 10, 2)

    def _checkbox_group(self, component: Json, where: str) -> None:
        self._custom_id(component, where)
        self._options(component, where, 10, 1)
