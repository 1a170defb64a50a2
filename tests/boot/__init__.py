# SPDX-License-Identifier: BSL-1.0
"""The boot suite: the real images under QEMU and as Linux processes, with real clients."""
