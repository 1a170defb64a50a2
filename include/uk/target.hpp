// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/config.hpp>

#if defined(UK_TARGET_KVM)
#include <uk/target_kvm.hpp>
#else
#include <uk/target_hosted.hpp>
#endif

namespace uk {

/// The machine that the build is for, as a bundle that offers its parts; the cross file decides.
#if defined(UK_TARGET_KVM)
using target = kvm::target;
#else
using target = hosted::target;
#endif

}  // namespace uk
