// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/bytes.hpp>
#include <uk/packet.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/time.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace uk {

/// The ports that a part needs, or provides: `using needs = uk::ports<uk::port::ip, uk::port::clock>;`
template <auto... Ports>
struct ports {};

/// Where a message-signalled interrupt is to be written to wake the machine.
struct msi_message {
    std::uint64_t address = 0;
    std::uint32_t data = 0;
};

/// A window of device registers that may hold a virtio-mmio device (virtio 1.2 section 4.2).
struct mmio_slot {
    std::uint64_t base = 0;
    std::uint32_t size = 0;
    std::uint32_t irq = 0;
};

/// A port is a name, a contract and a remedy. Each is an empty type with one constexpr object:
/// `name` and `remedy` make the sentence of the error when no part provides it; `lacks<T>()` names the first thing of
/// the contract that `T` has not got, or is empty. Users declare their own ports in the same way.
namespace port {

/// Where text for people goes. `write(text)` prints all of it, blocking if it must.
inline constexpr struct console_port {
    static constexpr std::string_view name = "port::console";
    static constexpr std::string_view remedy = "list uk::target from <uk/target.hpp>, which offers one";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, std::string_view s) { t.write(s); }) return "void write(std::string_view)";
        return {};
    }
} console;

/// The words that the machine, or the process, was started with: `argument(i)` is one of them, counted from 0, and
/// empty beyond the last. Nobody has checked them.
inline constexpr struct arguments_port {
    static constexpr std::string_view name = "port::arguments";
    static constexpr std::string_view remedy = "build for the target kvm or hosted, which offer it";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, std::size_t i) {
                { t.argument(i) } -> std::same_as<std::string_view>;
            })
            return "std::string_view argument(std::size_t)";
        return {};
    }
} arguments;

/// The monotone clock: `now()` in nanoseconds since it was constructed.
inline constexpr struct clock_port {
    static constexpr std::string_view name = "port::clock";
    static constexpr std::string_view remedy = "list uk::target from <uk/target.hpp>, which offers one";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t) {
                { t.now() } -> std::same_as<instant>;
            })
            return "uk::instant now()";
        return {};
    }
} clock;

/// Waiting: `idle(until)` halts the machine until an interrupt or `until`, and may return early.
inline constexpr struct idle_port {
    static constexpr std::string_view name = "port::idle";
    static constexpr std::string_view remedy = "list uk::target from <uk/target.hpp>, which offers one";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, instant i) { t.idle(i); }) return "void idle(uk::instant)";
        return {};
    }
} idle;

/// Randomness fit for secrets: `fill(octets)` fills all of it, or returns false and must not be relied on.
inline constexpr struct entropy_port {
    static constexpr std::string_view name = "port::entropy";
    static constexpr std::string_view remedy = "list uk::target from <uk/target.hpp>, which offers one";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, writable_bytes b) {
                { t.fill(b) } -> std::same_as<bool>;
            }) {
            return "bool fill(uk::writable_bytes)";
        }
        return {};
    }
} entropy;

/// Coroutines, timers and their memory. `run_until(done)` drives the machine until `done()` is true.
inline constexpr struct tasks_port {
    static constexpr std::string_view name = "port::tasks";
    static constexpr std::string_view remedy = "add uk::loop<> from <uk/loop.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!has_scheduler<T>) return "uk::scheduler& scheduler()";
        if (!requires(T& t, bool (*done)()) { t.run_until(done); }) return "void run_until(Done)";
        return {};
    }
} tasks;

/// The packet buffers that drivers and network layers share.
inline constexpr struct packets_port {
    static constexpr std::string_view name = "port::packets";
    static constexpr std::string_view remedy = "add uk::packets<> from <uk/packets.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t) {
                { t.store() } -> std::same_as<packet_store&>;
            })
            return "uk::packet_store& store()";
        return {};
    }
} packets;

/// What devices on a bus need of the machine: device memory, wake-ups and addresses for DMA.
namespace detail {
template <class T>
consteval std::string_view lacks_of_bus() {
    if (!requires(T& t, std::uint64_t a, std::size_t n) {
            { t.map(a, n) } -> std::same_as<volatile std::byte*>;
        }) {
        return "volatile std::byte* map(std::uint64_t physical, std::size_t size)";
    }
    if (!requires(T& t, const volatile void* p) {
            { t.dma_address(p) } -> std::same_as<std::uint64_t>;
        }) {
        return "std::uint64_t dma_address(const volatile void*)";
    }
    return {};
}
}  // namespace detail

/// The PCI configuration space (PCI Local Bus 3.0 section 6) and message-signalled wake-ups. `bdf` is bus << 8 |
/// device << 3 | function; `offset` is in octets, a multiple of 4.
inline constexpr struct pci_port {
    static constexpr std::string_view name = "port::pci";
    static constexpr std::string_view remedy = "build for a target with PCI, such as kvm";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t) {
                { t.has_pci() } -> std::same_as<bool>;
            })
            return "bool has_pci()";
        if (!requires(T& t, std::uint32_t b, unsigned o) {
                { t.config_read(b, o) } -> std::same_as<std::uint32_t>;
                t.config_write(b, o, b);
            }) {
            return "config_read(bdf, offset) and config_write(bdf, offset, value)";
        }
        if (!requires(T& t) {
                { t.wake_message() } -> std::same_as<msi_message>;
            }) {
            return "uk::msi_message wake_message()";
        }
        return detail::lacks_of_bus<T>();
    }
} pci;

/// The places where virtio-mmio devices may be. `mmio_slots(out)` fills `out` and says how many there are;
/// `wake_on(irq)` lets that line end `idle`.
inline constexpr struct mmio_port {
    static constexpr std::string_view name = "port::mmio";
    static constexpr std::string_view remedy = "build for a target with virtio-mmio, such as kvm";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, std::span<mmio_slot> s) {
                { t.mmio_slots(s) } -> std::same_as<std::size_t>;
            }) {
            return "std::size_t mmio_slots(std::span<uk::mmio_slot>)";
        }
        if (!requires(T& t, std::uint32_t irq) { t.wake_on(irq); }) return "void wake_on(std::uint32_t irq)";
        return detail::lacks_of_bus<T>();
    }
} mmio;

/// A network card. `receive()` yields the next Ethernet frame, without its check sequence, or a null packet;
/// `send(frame)` takes a whole frame and returns false, dropping it, when the card has no room. `mtu()` is the longest
/// payload of a frame, usually 1500. Neither ever blocks. In front of a received frame there is at least the headroom
/// that `send` needs, so that a packet can be turned round in place.
/// A card that completes the checksums of what is sent has `bool fills_checksums()`, true where it does: then the sum
/// of a packet may be left partial (uk::packet). One that has `marks_checksums()` marks received packets: who looks at
/// a checksum asks `sum_holds` first, and who passes octets on calls `settle_sum`.
/// One that cuts TCP into segments has `segment_pieces()`: how many pieces it takes at once (packet_pieces.hpp), 0 for
/// none.
inline constexpr struct frame_port {
    static constexpr std::string_view name = "port::frame";
    static constexpr std::string_view remedy =
        "list a network driver such as drv::virtio_net, or build for a target that has one";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t) {
                { t.receive() } -> std::same_as<packet>;
            })
            return "uk::packet receive()";
        if (!requires(T& t, outgoing o) {
                { t.send(std::move(o)) } -> std::same_as<bool>;
            }) {
            return "bool send(uk::outgoing)";
        }
        if (!requires(T& t) {
                { t.address() } -> std::same_as<mac>;
            })
            return "uk::mac address()";
        if (!requires(T& t) {
                { t.mtu() } -> std::convertible_to<std::size_t>;
            })
            return "std::size_t mtu()";
        return {};
    }
} frame;

/// A link that carries packets of several protocols: `send(to, ethertype, packet)`, false when it was dropped.
inline constexpr struct link_port {
    static constexpr std::string_view name = "port::link";
    static constexpr std::string_view remedy = "add net::ethernet from <uk/net/ethernet.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, mac to, std::uint16_t type, outgoing o) {
                { t.send(to, type, std::move(o)) } -> std::same_as<bool>;
            }) {
            return "bool send(uk::mac to, std::uint16_t ethertype, uk::outgoing)";
        }
        if (!requires(T& t) {
                { t.address() } -> std::same_as<mac>;
            })
            return "uk::mac address()";
        if (!requires(T& t) {
                { t.mtu() } -> std::convertible_to<std::size_t>;
            })
            return "std::size_t mtu()";
        return {};
    }
} link;

/// Delivery to a neighbour on the link by its network address: `send_to(next_hop, packet)` sends now, keeps the packet
/// until the neighbour has answered, or drops it, false. The internet layer tells it by `set_address(own)` for whom to
/// answer: a need of port::ip here would be a circle.
inline constexpr struct neighbour_port {
    static constexpr std::string_view name = "port::neighbour";
    static constexpr std::string_view remedy = "add net::arp from <uk/net/arp.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, ip4_address to, outgoing o) {
                { t.send_to(to, std::move(o)) } -> std::same_as<bool>;
            }) {
            return "bool send_to(uk::ip4_address next_hop, uk::outgoing)";
        }
        if (!requires(T& t, ip4_address own) { t.set_address(own); }) return "void set_address(uk::ip4_address own)";
        return {};
    }
} neighbour;

/// The internet layer. `send(to, protocol, packet)` adds the header and routes; `address()` is unspecified until
/// configured; `mtu()` is the longest payload of one datagram on the link.
inline constexpr struct ip_port {
    static constexpr std::string_view name = "port::ip";
    static constexpr std::string_view remedy = "add net::ipv4 from <uk/net/ipv4.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, ip4_address to, std::uint8_t protocol, outgoing o) {
                { t.send(to, protocol, std::move(o)) } -> std::same_as<result<>>;
            }) {
            return "uk::result<> send(uk::ip4_address to, std::uint8_t protocol, uk::outgoing)";
        }
        if (!requires(T& t) {
                { t.address() } -> std::same_as<ip4_address>;
            })
            return "uk::ip4_address address()";
        if (!requires(T& t) {
                { t.mtu() } -> std::convertible_to<std::size_t>;
            })
            return "std::size_t mtu()";
        if (!requires(T& t, cidr own, ip4_address router) { t.configure(own, router); }) {
            return "void configure(uk::cidr own, uk::ip4_address router)";
        }
        return {};
    }
} ip;

/// Datagrams. Contract in <uk/net/udp.hpp>.
inline constexpr struct udp_port {
    static constexpr std::string_view name = "port::udp";
    static constexpr std::string_view remedy = "add net::udp from <uk/net/udp.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, ip4_address to, std::uint16_t port, outgoing o) {
                { t.send(to, port, port, std::move(o)) } -> std::same_as<result<>>;
            }) {
            return "uk::result<> send(uk::ip4_address to, std::uint16_t to_port, std::uint16_t from_port, "
                   "uk::outgoing)";
        }
        return {};
    }
} udp;

/// Byte streams between hosts. Contract in <uk/net/tcp.hpp>.
inline constexpr struct stream_port {
    static constexpr std::string_view name = "port::stream";
    static constexpr std::string_view remedy = "add net::tcp from <uk/net/tcp.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, std::uint16_t port) { t.listen(port); }) return "listen(std::uint16_t port)";
        return {};
    }
} stream;

/// Names of hosts to their addresses. Contract in <uk/net/dns.hpp>.
inline constexpr struct resolver_port {
    static constexpr std::string_view name = "port::resolver";
    static constexpr std::string_view remedy = "add net::dns<> from <uk/net/dns.hpp>";
    template <class T>
    static consteval std::string_view lacks() {
        if (!requires(T& t, std::string_view host) { t.resolve(host); }) return "resolve(std::string_view name)";
        return {};
    }
} resolver;

}  // namespace port

}  // namespace uk
