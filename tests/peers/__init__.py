# SPDX-License-Identifier: BSL-1.0
"""The peers suite: the real programs of other people talk to the hosted build and to the kvm image over a TAP."""
