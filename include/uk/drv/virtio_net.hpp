// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/address.hpp>
#include <uk/check.hpp>
#include <uk/drv/virtio.hpp>
#include <uk/drv/virtio_net_options.hpp>
#include <uk/drv/virtio_net_wire.hpp>
#include <uk/drv/virtio_pci_or_mmio.hpp>
#include <uk/drv/virtio_queue.hpp>
#include <uk/packet.hpp>
#include <uk/packet_pieces.hpp>
#include <uk/port.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk::drv {

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

/// With what the options ask for.
struct virtio_net_more_counters : virtio_net_counters {
    static constexpr std::string_view names =
        "bad_id bad_index received sent send_full receive_short receive_long stopped no_link resets receive_checksum "
        "receive_known sent_partial sent_cut";
    std::uint32_t receive_checksum = 0;  ///< dropped: the checksum's place is not within the frame
    std::uint32_t receive_known = 0;     ///< the card knows the checksum
    std::uint32_t sent_partial = 0;      ///< the card completes the checksum
    std::uint32_t sent_cut = 0;          ///< and cuts it into segments
};

/// A virtio network card (section 5.1): port::frame. One queue for each direction. What the options name is used where
/// the device offers it. What was sent is taken back when there is occasion to; it wakes the machine only where
/// reception waits for its buffers. A device that breaks the rules of the rings is reset once and stays silent.
template <virtio_net_options Options = {}, class Transport = virtio_pci_or_mmio>
struct virtio_net {
    using needs = detail::joined<ports<port::packets>, typename Transport::needs>;
    using provides = ports<port::frame>;
    static constexpr std::string_view name = "drv::virtio_net";

    static_assert(Options.checksum || !Options.segmentation, "drv::virtio_net: segmentation needs checksum.");

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
            if constexpr (!holds) {
                if (!acknowledged_) {
                    acknowledged_ = true;
                    device_.acknowledge();
                }
            }
            while (const auto used = take()) {
                const std::size_t posted = room_in_buffer();
                const bool fits = used->length <= posted;
                // The handle's window is never larger than what was posted, whatever the device says.
                packet frame =
                    packet::attach(std::exchange((*kept_)[used->id], nullptr), offset, fits ? used->length : 0);
                if (!fits) {
                    ++counters_->receive_long;
                } else if (used->length <= header_octets) {
                    ++counters_->receive_short;
                } else if (strip(frame)) {
                    ++counters_->received;
                    if constexpr (holds) batch_.took = true;
                    return frame;
                }
            }
            refill();
            return {};
        }

        bool send(outgoing&& frame) {
            const auto pieces = static_cast<std::uint16_t>(pieces_in(frame));
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
            put_header(frame.head);
            std::array<virtio_piece, Options.segmentation ? 1 + packet_pieces::most : 2> all{
                {{dma(frame.head.data()), static_cast<std::uint32_t>(frame.head.size()), false},
                 {dma(frame.body.data()), static_cast<std::uint32_t>(frame.body.size()), false}}};
            if constexpr (Options.segmentation) add_pieces(frame.head, all.data() + 1);
            const std::uint16_t id = send_.add(std::span(all).first(pieces));
            packet_buffer** const kept = sent(id);
            kept[0] = frame.head.detach();
            kept[1] = frame.owner.detach();
            ++counters_->sent;
            if constexpr (Options.announce_after != 0) {
                if (++batch_.waiting == Options.announce_after) {
                    batch_.waiting = 0;
                    send_.announce();
                }
            }
            return true;
        }

        /// Called at the end of each turn of the loop: takes back what was sent, gives the device new buffers, and
        /// announces what is new. With interrupts that are held back it says whether there is reason for another turn.
        [[gnu::noinline]] auto flush() {
            flush_queues();
            // Who has found a frame has to look again before the machine halts. And by now the index is out even where
            // a CPU's fences are not what they seem; see announce().
            if constexpr (holds) {
                return counters_->stopped == 0 && (std::exchange(batch_.took, false) || receive_.ready());
            }
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
        /// The checksums of packets to send may be left partial.
        bool fills_checksums() const
            requires(Options.checksum)
        {
            return agreed_.fills;
        }
        /// How many pieces a packet that the card cuts into segments may have; 0: it cuts none.
        std::size_t segment_pieces() const
            requires(Options.segmentation)
        {
            const std::size_t most = send_.size() / 2;
            return !agreed_.cuts ? 0 : most < packet_pieces::most ? most : packet_pieces::most;
        }
        /// Received packets say what the card knows of their checksums.
        static constexpr bool marks_checksums()
            requires(Options.checksum)
        {
            return true;
        }
        std::size_t mtu() const { return mtu_; }
        const auto& counters() const { return *counters_; }

        /// Packet buffers that the card has now: posted for reception, or sent and not yet taken back.
        std::size_t buffers_held() const {
            std::size_t n = 0;
            for (const packet_buffer* b : *kept_) n += b != nullptr;
            return n;
        }

    private:
        using device_type = typename Transport::device_type;
        using doorbell = typename device_type::doorbell_type;

        // A constant of its own: see CONTRIBUTING.md on members of template arguments.
        static constexpr mac address_of_ours = Options.address;
        static constexpr bool events = Options.event_index;
        static constexpr bool holds = Options.event_index || Options.hold_interrupts;

        struct batch {
            bool held = false;  // no interrupts until a turn finds nothing
            bool took = false;  // this turn has found a frame
            std::uint16_t waiting = 0;
        };
        struct agreed {
            bool fills = false;  // the card completes checksums
            bool marks = false;  // and looks at those of received frames
            bool cuts = false;   // and cuts what is sent into segments
        };
        struct nothing {};

        static constexpr std::size_t header_octets = virtio_net_header::size;
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

        [[gnu::always_inline]] void flush_queues() {
            if (counters_->stopped != 0) return;
            acknowledged_ = false;
            if constexpr (Options.announce_after != 0) batch_.waiting = 0;
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
            if constexpr (Options.checksum) {
                features |= *offered & (virtio_feature::net_checksum | virtio_feature::net_guest_checksum);
                agreed_.fills = (features & virtio_feature::net_checksum) != 0;
                agreed_.marks = (features & virtio_feature::net_guest_checksum) != 0;
            }
            if constexpr (Options.segmentation) {
                if (agreed_.fills) features |= *offered & virtio_feature::net_host_tso4;
                agreed_.cuts = (features & virtio_feature::net_host_tso4) != 0;
            }
            if constexpr (events) {
                features |= *offered & virtio_feature::event_index;
                receive_.use_events((features & virtio_feature::event_index) != 0);
                send_.use_events((features & virtio_feature::event_index) != 0);
            }
            if constexpr (Options.watch) {
                features |= *offered & virtio_feature::net_status;
                tells_link_ = (*offered & virtio_feature::net_status) != 0;
            }
            if ((*offered & virtio_feature::net_mtu) != 0 && mtu_ >= 68 && mtu_ <= 1500) {
                features |= virtio_feature::net_mtu;
            } else {
                mtu_ = 1500;
            }
            if (address_.is_group() || address_ == mac{}) address_ = address_of_ours;
            if constexpr (holds) batch_ = {};
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

        std::size_t pieces_in(outgoing& frame) {
            if constexpr (Options.segmentation) {
                if (frame.head.segment() != 0) return 1 + pieces_of(frame.head).count;
            }
            return frame.body.empty() ? 1 : 2;
        }
        // Their memory is ours to keep, too, until the device is done.
        void add_pieces(packet& head, virtio_piece* out) {
            if (head.segment() == 0) return;
            const packet_pieces& list = pieces_of(head);
            list.hold();
            for (std::uint32_t i = 0; i < list.count; ++i) *out++ = {dma(list.all[i].data), list.all[i].size, false};
            ++counters_->sent_cut;
        }

        // Takes the device's header off a received frame; false when that is to be dropped.
        bool strip(packet& frame) {
            if constexpr (Options.checksum) {
                const virtio_net_header h = load_virtio_net(frame.data());
                frame.pop_front(header_octets);
                if (!agreed_.marks) return true;
                if (mark_sum(h, frame)) {
                    counters_->receive_known += frame.sum() != packet_sum::unknown;
                    return true;
                }
                ++counters_->receive_checksum;
                return false;
            }
            // Nothing in the header has a meaning without the features that we did not accept: section 5.1.6.4.
            frame.pop_front(header_octets);
            return true;
        }

        void put_header(packet& head) {
            if constexpr (Options.checksum) {
                // Received so, and sent on.
                if (!agreed_.fills) head.settle_sum();
                const virtio_net_header h = header_for(head);
                counters_->sent_partial += h.flags != 0;
                std::memcpy(head.push_front(header_octets).data(), &h, header_octets);
            } else {
                // No checksum to fill in, no segmentation (section 5.1.6.2).
                std::memset(head.push_front(header_octets).data(), 0, header_octets);
            }
        }

        // The next frame. When a turn of the loop has found none, the next one interrupts, and only then.
        std::optional<virtio_used> take() {
            auto used = receive_.take(*counters_);
            if constexpr (holds) {
                if (!used && !batch_.took) {
                    batch_.held = false;
                    if (may_hold()) receive_.arm();
                    // What raised the line until now is about to be looked at.
                    device_.acknowledge();
                    used = receive_.take(*counters_);
                }
                if (used && !std::exchange(batch_.held, true) && may_hold()) receive_.hold();
            }
            return used;
        }
        bool may_hold() const { return Options.hold_interrupts || receive_.uses_events(); }

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
            for (; count != 0; --count, ++at) {
                packet done = packet::attach(std::exchange(*at, nullptr), 0, 0);
                if constexpr (Options.segmentation) {
                    if (done && done.segment() != 0) pieces_of(done).let_go();
                }
            }
        }

        [[no_unique_address]] stack_link<Stack> os_;
        [[no_unique_address]] packet_store_link store_;
        device_type device_;
        zeroed<std::conditional_t<Options.checksum, virtio_net_more_counters, virtio_net_counters>> counters_;
        std::size_t mtu_ = 1500;
        mac address_ = address_of_ours;
        bool acknowledged_ = false;
        bool was_full_ = false;
        bool tells_link_ = false;
        bool has_link_ = true;
        std::uint32_t generation_ = 0;
        [[no_unique_address]] std::conditional_t<Options.checksum, agreed, nothing> agreed_;
        [[no_unique_address]] std::conditional_t<holds || Options.announce_after != 0, batch, nothing> batch_;
        virtio_queue<Options.receive_queue, doorbell, events> receive_;
        virtio_queue<Options.send_queue, doorbell, events> send_;
        // For each descriptor of the receive queue what is posted; then for each of the send queue the head and the
        // owner of what is being sent: that memory stays ours to keep until the device is done.
        zeroed<std::array<packet_buffer*, Options.receive_queue + 2 * Options.send_queue>> kept_;
    };
};

}  // namespace uk::drv
