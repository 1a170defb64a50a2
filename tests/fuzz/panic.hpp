// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace fuzz {

/// Called first by a panic, where a panic is the promised answer; does not return. Else a panic is a finding.
extern void (*panicked)();

}  // namespace fuzz
