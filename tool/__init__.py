# SPDX-License-Identifier: BSL-1.0
"""The uk command-line tool: builds, runs, measures and tests unikernel images."""
