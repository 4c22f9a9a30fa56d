# SPDX-License-Identifier: GPL-3.0-or-later
from afternoon import Afternoon


class TestDebian12(Afternoon):
    suite = "bookworm"
