// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/check.hpp>
#include <uk/drv/virtio.hpp>
#include <uk/drv/virtio_pci_or_mmio.hpp>
#include <uk/drv/virtio_queue.hpp>
#include <uk/packet.hpp>
#include <uk/port.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace uk::drv {

struct virtio_net_options {
    /// Descriptors of each queue, powers of two; fewer where the card has fewer. A frame that is sent takes one, or two
    /// when it has a body.
    std::uint16_t receive_queue = 32;
    std::uint16_t send_queue = 128;
    /// Buffers of the packet store that reception leaves to others, so that something can still be sent.
    std::uint16_t reserve = 16;
    /// Buffers that reception claims even so, so that an acknowledgement can still arrive.
    std::uint16_t least = 4;
    /// Follows the card's state: while the link is down frames are lost, when it comes up the layers above are told,
    /// and a card that asks for a reset is begun anew (where it only sets the bit and tells no change, when sending
    /// stalls). Costs one exit before each halt. Without it the link is taken as up, and a card that needs a reset is
    /// given up.
    bool watch = true;
    /// The address where the card has none of its own: a locally administered one, different on each machine of a link.
    mac address{{0x02, 0x75, 0x6b, 0x00, 0x00, 0x01}};
};

/// What happened, by cause; for people.
struct virtio_net_counters : virtio_ring_faults {
    static constexpr std::string_view names =
        "bad_id bad_index received sent send_full receive_short receive_long stopped no_link resets";
    std::uint32_t received = 0;
    std::uint32_t sent = 0;
    std::uint32_t send_full = 0;      ///< dropped: no free descriptor
    std::uint32_t receive_short = 0;  ///< dropped: no longer than the device's header, by the device's own word
    std::uint32_t receive_long = 0;   ///< dropped: longer than the buffer, by the device's own word
    std::uint32_t stopped = 0;        ///< 1 when the device failed and is not used any more
    std::uint32_t no_link = 0;        ///< lost: to send while the link was down
    std::uint32_t resets = 0;         ///< how often the device asked for a reset and was begun anew
};

/// A virtio network card (section 5.1): port::frame. One queue for each direction, nothing offloaded. What was sent is
/// taken back when there is occasion to; it wakes the machine only where reception waits for its buffers. A device that
/// breaks the rules of the rings is reset once and stays silent.
template <virtio_net_options Options = {}, class Transport = virtio_pci_or_mmio>
struct virtio_net {
    using needs = detail::joined<ports<port::packets>, typename Transport::needs>;
    using provides = ports<port::frame>;
    static constexpr std::string_view name = "drv::virtio_net";

    template <class Stack>
    class in {
    public:
        explicit in(Stack& os) : os_(os), store_(os[port::packets].store()) {
            Transport::find(os, virtio_type::network, true, device_);
            if (!device_) panic(remedy(device_.lack()));
            if (!start()) panic("virtio-net: card and driver do not agree on features or queues");
        }
        in(const in&) = delete;
        in& operator=(const in&) = delete;

        ~in() { stop(); }

        [[gnu::noinline]] packet receive() {
            if (counters_->stopped != 0) return {};
            if (!acknowledged_) {
                acknowledged_ = true;
                device_.acknowledge();
            }
            while (const auto used = receive_.take(*counters_)) {
                const std::size_t posted = room_in_buffer();
                const bool fits = used->length <= posted;
                // The handle's window is never larger than what was posted, whatever the device says.
                packet frame =
                    packet::attach(std::exchange((*kept_)[used->id], nullptr), offset, fits ? used->length : 0);
                if (!fits) {
                    ++counters_->receive_long;
                } else if (used->length <= header_octets) {
                    ++counters_->receive_short;
                } else {
                    ++counters_->received;
                    // Nothing in the header has a meaning without the features that we did not accept: section 5.1.6.4.
                    frame.pop_front(header_octets);
                    return frame;
                }
            }
            refill();
            return {};
        }

        bool send(outgoing&& frame) {
            const std::uint16_t pieces = frame.body.empty() ? 1 : 2;
            if (counters_->stopped != 0) return false;
            // Lost as on a wire, not refused: nobody is to try again and again, and what has a time-out is to have it.
            if (Options.watch && !has_link_) {
                ++counters_->no_link;
                return true;
            }
            if (send_.room() < pieces) reclaim();
            if (send_.room() < pieces) {
                ++counters_->send_full;
                was_full_ = true;
                send_.announce();
                return false;
            }
            // All zero: no checksum to fill in, no segmentation (section 5.1.6.2). Offloads would be asked for here.
            const auto header = frame.head.push_front(header_octets);
            std::memset(header.data(), 0, header_octets);
            const std::array<virtio_piece, 2> all{
                {{dma(frame.head.data()), static_cast<std::uint32_t>(frame.head.size()), false},
                 {dma(frame.body.data()), static_cast<std::uint32_t>(frame.body.size()), false}}};
            const std::uint16_t id = send_.add(std::span(all).first(pieces));
            packet_buffer** const kept = sent(id);
            kept[0] = frame.head.detach();
            kept[1] = frame.owner.detach();
            ++counters_->sent;
            return true;
        }

        /// Called at the end of each turn of the loop: takes back what was sent, gives the device new buffers, and
        /// announces what is new.
        [[gnu::noinline]] void flush() {
            if (counters_->stopped != 0) return;
            acknowledged_ = false;
            reclaim();
            refill();
            send_.announce();
            receive_.announce();
            wait_for_buffers();
            if (receive_.broken() || send_.broken()) {
                stop();
                return;
            }
            // The device is asked for its state only where something is amiss: that is an exit.
            if (std::exchange(was_full_, false)) look();
        }

        /// True when the link came up since the last call, or may have been down. Meant for turns that brought no
        /// frame: there is one before each halt, and what changes afterwards ends the halt.
        [[gnu::noinline]] bool link_came_up()
            requires(Options.watch)
        {
            // With the generation the device says that something was changed (section 2.5.1); its interrupt does not
            // say so by MSI-X, and by MMIO only for another exit.
            if (counters_->stopped != 0 || !has_changed()) return false;
            look();
            return has_link_;
        }
        /// False while the card says that its link is down (section 5.1.4).
        bool has_link() const { return has_link_; }

        mac address() const { return address_; }
        std::size_t mtu() const { return mtu_; }
        const virtio_net_counters& counters() const { return *counters_; }

        /// Packet buffers that the card has now: posted for reception, or sent and not yet taken back.
        std::size_t buffers_held() const {
            std::size_t n = 0;
            for (const packet_buffer* b : *kept_) n += b != nullptr;
            return n;
        }

    private:
        using device_type = typename Transport::device_type;
        using doorbell = typename device_type::doorbell_type;

        // Section 5.1.6; with VERSION_1 num_buffers is always there.
        static constexpr std::size_t header_octets = 12;
        // Places the network header, 12 + 14 octets on, at a multiple of four.
        static constexpr std::size_t offset = 2;

        static const char* remedy(virtio_lack lack) {
            switch (lack) {
                case virtio_lack::modern:
                    return "virtio-net: legacy only; start the machine with -global virtio-mmio.force-legacy=false";
                case virtio_lack::interrupt: return "virtio-net: no MSI-X; start the machine without vectors=0";
                case virtio_lack::sense: return "virtio-net: PCI capabilities make no sense";
                default:
                    return "virtio-net: no card; start the machine with -device virtio-net-pci, or virtio-net-device "
                           "on microvm";
            }
        }

        std::uint64_t dma(const volatile void* p) { return Transport::dma_address(*os_, p); }
        std::size_t room_in_buffer() const { return store_->capacity() - offset; }

        // From whatever state to work (section 3.1.1); false, with the device given up, where that cannot be.
        [[gnu::noinline]] bool start() {
            if (!agree()) {
                virtio_give_up(device_);
                return false;
            }
            refill();
            if constexpr (Options.watch) device_.wake_by_config();
            virtio_go(device_);
            // What changes from now on shows in the generation.
            if constexpr (Options.watch) {
                has_changed();
                look_at_link();
            }
            return true;
        }

        bool has_changed() {
            const std::uint32_t now = device_.read(virtio_reg::config_generation);
            return std::exchange(generation_, now) != now;
        }

        // Section 5.1.4.2: without the feature the link is up.
        void look_at_link() { has_link_ = !tells_link_ || (device_.template config<std::uint16_t>(6) & 1) != 0; }

        // Section 2.1.2: a device that needs a reset loses what it had; all of its buffers come back first.
        [[gnu::noinline]] void look() {
            const bool failed = (device_.read(virtio_reg::status) & virtio_status::needs_reset) != 0;
            if constexpr (!Options.watch) {
                if (failed) stop();
            } else if (!failed) {
                look_at_link();
            } else if (stop()) {
                ++counters_->resets;
                if (start()) counters_->stopped = 0;
            }
        }

        bool agree() {
            const auto offered = virtio_begin(device_);
            if (!offered) return false;
            std::uint64_t features = virtio_feature::version_1;
            // Section 5.1.4.2: accepting an MTU promises buffers for it. Ours hold 1500; one below 68 is no MTU for
            // IPv4 (RFC 791 section 3.2).
            const bool stable = virtio_read_config(device_, [&] {
                if ((*offered & virtio_feature::net_mac) != 0) {
                    for (std::uint32_t i = 0; i < 6; ++i) {
                        address_.octets[i] = device_.template config<std::uint8_t>(i);
                    }
                }
                mtu_ = device_.template config<std::uint16_t>(10);
            });
            if (!stable) return false;
            features |= *offered & virtio_feature::net_mac;
            if constexpr (Options.watch) {
                features |= *offered & virtio_feature::net_status;
                tells_link_ = (*offered & virtio_feature::net_status) != 0;
            }
            if ((*offered & virtio_feature::net_mtu) != 0 && mtu_ >= 68 && mtu_ <= 1500) {
                features |= virtio_feature::net_mtu;
            } else {
                mtu_ = 1500;
            }
            if (address_.is_group() || address_ == mac{}) address_ = Options.address;
            const virtio_addresses<Transport, Stack> address{stack_link<Stack>(*os_)};
            return virtio_accept(device_, features) && receive_.set_up(device_, 0, true, address) &&
                   send_.set_up(device_, 1, true, address);
        }

        // Reception that has too few buffers gets none from the layers above while all of them are being sent: only
        // then is it of use that the end of sending wakes the machine.
        void wait_for_buffers() {
            if (receive_.outstanding() >= Options.least || send_.outstanding() == 0) return send_.hold();
            send_.arm();
            if (!send_.ready()) return;
            reclaim();
            refill();
            receive_.announce();
        }

        // Posts buffers while the store has some to spare.
        [[gnu::noinline]] void refill() {
            while (receive_.room() != 0 && store_->available() != 0) {
                if (receive_.outstanding() >= Options.least && store_->available() <= Options.reserve) return;
                packet p = store_->take(offset);
                const std::array<virtio_piece, 1> all{
                    {{dma(p.data()), static_cast<std::uint32_t>(room_in_buffer()), true}}};
                const std::uint16_t id = receive_.add(all);
                (*kept_)[id] = p.detach();
            }
        }

        [[gnu::noinline]] void reclaim() {
            while (const auto used = send_.take(*counters_)) give_back(sent(used->id), 2);
        }

        // A device that does not stop keeps its buffers: it might still write to them.
        [[gnu::noinline]] bool stop() {
            counters_->stopped = 1;
            if (!virtio_reset(device_)) return false;
            give_back(kept_->data(), kept_->size());
            return true;
        }

        packet_buffer** sent(std::uint16_t id) { return kept_->data() + Options.receive_queue + 2 * id; }

        static void give_back(packet_buffer** at, std::size_t count) {
            for (; count != 0; --count, ++at) packet::attach(std::exchange(*at, nullptr), 0, 0);
        }

        [[no_unique_address]] stack_link<Stack> os_;
        [[no_unique_address]] packet_store_link store_;
        device_type device_;
        zeroed<virtio_net_counters> counters_;
        std::size_t mtu_ = 1500;
        mac address_ = Options.address;
        bool acknowledged_ = false;
        bool was_full_ = false;
        bool tells_link_ = false;
        bool has_link_ = true;
        std::uint32_t generation_ = 0;
        virtio_queue<Options.receive_queue, doorbell> receive_;
        virtio_queue<Options.send_queue, doorbell> send_;
        // For each descriptor of the receive queue what is posted; then for each of the send queue the head and the
        // owner of what is being sent: that memory stays ours to keep until the device is done.
        zeroed<std::array<packet_buffer*, Options.receive_queue + 2 * Options.send_queue>> kept_;
    };
};

}  // namespace uk::drv
