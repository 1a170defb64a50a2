// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/any_entropy.hpp>
#include <uk/arch/kvm_arguments.hpp>
#include <uk/arch/kvm_bus.hpp>
#include <uk/arch/kvm_clock.hpp>
#include <uk/arch/kvm_console.hpp>
#include <uk/arch/kvm_entropy.hpp>
#include <uk/drv/virtio_net.hpp>
#include <uk/drv/virtio_rng.hpp>
#include <uk/loop.hpp>
#include <uk/packets.hpp>
#include <uk/part.hpp>

namespace uk::kvm {

/// A virtual machine of x86-64: serial console, TSC and local APIC, the kernel command line, the CPU's randomness or
/// else a virtio one, and a virtio network card on PCI or memory-mapped.
template <target_options Options>
using target_with = machine<"kvm", console, clock, arguments, any_entropy<entropy, drv::virtio_rng<>>, bus,
                            drv::virtio_net<{.watch = bool{Options.watch_link}}>, loop<>, packets<>>;
using target = target_with<{}>;

}  // namespace uk::kvm
