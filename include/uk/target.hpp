// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>

#if defined(UK_TARGET_KVM)
#include <uk/target_kvm.hpp>
#else
#include <uk/target_hosted.hpp>
#endif

namespace uk {

/// The machine that the build is for, as a bundle that offers its parts; the cross file decides. `target_with` leaves
/// out what its target_options say.
#if defined(UK_TARGET_KVM)
using kvm::target, kvm::target_with;
#else
using hosted::target, hosted::target_with;
#endif

}  // namespace uk
