# SPDX-License-Identifier: GPL-3.0-or-later
from afternoon import Afternoon


class TestDebian13(Afternoon):
    suite = "trixie"
