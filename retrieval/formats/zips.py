"""Zip files that may be bombs: looked at before anything in them is unpacked."""

from __future__ import annotations

import zipfile
from io import BytesIO

from retrieval.formats.extracted import Unreadable

MAX_MEMBERS = 10_000
MAX_UNPACKED = 200 * 1024 * 1024
"""Bytes of all members together."""
MAX_RATIO = 200
"""How many times its packed size a large member may have; documents reach 50, bombs 1,000."""
_LARGE = 1024 * 1024
_ENCRYPTED = 1
"""Bit of a member's flags."""


def check_zip(raw: bytes, needed: str) -> None:
    """Raises Unreadable for what is no zip file with the member ``needed``, is encrypted, or unpacks to too much.

    Python's zipfile reads no more of a member than its entry declares, so declared sizes can be relied on.
    """
    try:
        with zipfile.ZipFile(BytesIO(raw)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError) as error:
        raise Unreadable("is damaged, or not what its name says") from error
    if not any(member.filename == needed for member in members):
        raise Unreadable("is not what its name says")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise Unreadable("is encrypted")
    unpacked = sum(member.file_size for member in members)
    packed_tight = any(member.file_size > max(_LARGE, MAX_RATIO * max(member.compress_size, 1)) for member in members)
    if packed_tight or unpacked > MAX_UNPACKED or len(members) > MAX_MEMBERS:
        raise Unreadable("unpacks to more than is allowed")
