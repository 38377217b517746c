# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the clock action, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: clock
short_description: Compare a host's clock with the controller's
version_added: 0.1.0
description:
  - Asks a host for its time in one round trip; nothing is copied to it.
  - A slow connection does not look like a wrong clock, because only a difference counts that the
    time of the round trip cannot explain.
options:
  tolerance:
    description: How many seconds the clocks may differ.
    type: float
    default: 10.0
author:
  - Meridian contributors (@meridian-metrics)
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
"""

EXAMPLES = r"""
- name: Compare the clocks
  meridian.metrics.clock:
    tolerance: 5
  register: compared
"""

RETURN = r"""
difference:
  description:
    - Seconds that the host is ahead at least, negative when it is behind, 0 when it may be right.
  returned: success
  type: float
  sample: 259200.0
problem:
  description: A line about a difference above the tolerance, else empty.
  returned: success
  type: str
"""
