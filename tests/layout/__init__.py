# SPDX-License-Identifier: BSL-1.0
"""The layout suite: levels, includes, limits and mirrors, held by tests that are themselves tested."""
