# SPDX-License-Identifier: BSL-1.0
"""The fuzz targets and their suites."""
