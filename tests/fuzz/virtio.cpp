// SPDX-License-Identifier: BSL-1.0
#include "input.hpp"
#include "panic.hpp"

#include "../unit/drv/virtio_fake.hpp"
#include "../unit/drv/virtio_fake_bus.hpp"

#include <uk/drv/virtio_net.hpp>
#include <uk/drv/virtio_pci_or_mmio.hpp>
#include <uk/drv/virtio_rng.hpp>

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <utility>
#include <vector>

/// A device or hypervisor that is out to do harm: it says what it likes, writes to all that it was given whenever it
/// likes, and to the memory of its rings. What was not given to it stays untouched, and nothing is used twice.
namespace {

using namespace fuzz;
using namespace uk::drv;

std::jmp_buf refused;
void refuse() { std::longjmp(refused, 1); }

// What the driver has posted, read when it was posted.
struct posted {
    std::vector<fake::piece> pieces;
    octets content;
};
struct watched {
    fake::queue& q;
    std::map<std::uint16_t, posted> out{};  // what the device has
    std::uint16_t seen = 0;
    // Once it has given back what it had not, what it has is nothing that it could tell.
    bool lied = false;

    // The device was begun anew, and has nothing.
    void begin() {
        out.clear();
        seen = 0;
        lied = false;
    }
    void look() {
        if (q.enabled == 0 || q.size == 0) return;
        const auto index = fake::queue::at<std::uint16_t>(q.available + 2);
        for (; seen != index; ++seen) {
            const auto id = fake::queue::at<std::uint16_t>(q.available + 4 + 2 * (seen & (q.size - 1)));
            require(id < q.size, "an id is below the queue's size");
            require(lied || !out.contains(id), "an id is posted once");
            posted p;
            p.pieces = q.pieces(id);
            for (const fake::piece& part : p.pieces) append(p.content, {part.data(), part.length});
            out.insert_or_assign(id, std::move(p));
        }
        require(out.size() <= q.size, "no more is posted than fits");
    }
};

constexpr virtio_net_options plain{.receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2};
constexpr virtio_net_options rich{.receive_queue = 8,
                                  .send_queue = 8,
                                  .reserve = 4,
                                  .least = 2,
                                  .event_index = true,
                                  .hold_interrupts = true,
                                  .announce_after = 3,
                                  .checksum = true};

template <virtio_net_options Options>
class network {
public:
    explicit network(input& in) : in_(in), os_(std::make_unique<fake::os<buffers>>()) {}

    void run() {
        fake::card& card = os_->card;
        const unsigned how = in_.octet();
        card.offered |= std::uint64_t{in_.octet()};
        if (Options.event_index && (how & 128) != 0) card.offered |= std::uint64_t{1} << 29;
        if ((how & 1) != 0) {
            for (std::uint8_t& octet : card.config) octet = static_cast<std::uint8_t>(in_.octet());
        }
        if ((how & 2) != 0) card.queues[0].most = in_.word();
        if ((how & 4) != 0) card.queues[1].most = in_.number();
        if ((how & 8) != 0) card.config_changes = static_cast<int>(in_.octet() % 64);
        if ((how & 16) != 0) card.offered &= ~virtio_feature::version_1;
        if ((how & 32) != 0) card.agrees = false;
        if ((how & 64) != 0) card.has_vectors = false;
        panicked = refuse;
        if (setjmp(refused) == 0) {
            net_ = new (memory_) driver(*os_);
            panicked = nullptr;
        } else {
            panicked = nullptr;
            return;  // a card that cannot be driven: a panic says so
        }
        look();
        for (unsigned steps = 0; !in_.empty() && steps < 300; ++steps) step();
        held_.clear();
        const bool resets = card.resets;
        net_->~driver();
        if (resets) require(os_->buffers.store().available() == buffers, "all packet buffers are back");
    }

private:
    static constexpr std::size_t buffers = 24;
    using driver = typename virtio_net<Options, fake::transport>::template in<fake::os<buffers>>;

    void step() {
        const unsigned what = in_.octet();
        watched& side = (what & 1) != 0 ? tx_ : rx_;
        const unsigned kind = what >> 1 & 15;
        if (kind < 7 && side.q.used == 0) return;  // reset, and not begun anew
        side.lied |= kind >= 3 && kind <= 5;
        switch (kind) {
            case 0:
            case 1:
            case 2: return give(side);
            case 3: side.q.give(in_.number(), in_.number()); break;
            case 4: side.q.jump(static_cast<std::uint16_t>(in_.word())); break;
            case 5: poke(side.q); break;
            case 6: side.q.set_flags(static_cast<std::uint16_t>(in_.octet())); break;
            case 7: os_->card.status |= in_.octet(); break;
            case 8: scribble(); break;
            case 9:
                if ((what & 64) != 0) os_->card.tell_change();
                os_->card.resets = (what & 32) != 0;
                (void)net_->link_came_up();
                break;
            case 10:
            case 11: receive(); break;
            case 12:
            case 13: send(); break;
            default: net_->flush(); return flushed();
        }
        look();
    }

    void look() {
        if (std::exchange(begun_, os_->card.begun) != os_->card.begun) {
            rx_.begin();
            tx_.begin();
        }
        rx_.look();
        tx_.look();
        for (const auto& [packet, was] : held_) {
            require(octets(packet.contents().begin(), packet.contents().end()) == was,
                    "what was received is not written to");
        }
    }

    // Something that was posted comes back, its length honest or not.
    void give(watched& side) {
        if (side.out.empty()) return;
        auto at = side.out.begin();
        std::advance(at, in_.octet() % side.out.size());
        const posted& p = at->second;
        octets now;
        for (const fake::piece& part : p.pieces) append(now, {part.data(), part.length});
        if (&side == &tx_ && !side.lied) require(now == p.content, "what is being sent stays as it is");
        const uk::bytes content = in_.piece();
        std::uint32_t length = static_cast<std::uint32_t>(content.size());
        if (&side == &rx_ && !side.lied) uk::copy(uk::writable_bytes(p.pieces[0].data(), p.pieces[0].length), content);
        if (content.size() % 8 == 7) length = in_.number();
        side.q.give(at->first, length);
        side.out.erase(at);
    }

    // The device may write to its rings where it likes; what the driver relies on is not there.
    void poke(fake::queue& q) {
        const unsigned where = in_.octet();
        if (q.size == 0) return;
        const std::uint64_t area = (where & 0x80) != 0 ? q.used : q.descriptors;
        const std::size_t size = (where & 0x80) != 0 ? 4 + 8 * std::size_t{q.size} : 16 * std::size_t{q.size};
        fake::queue::put(area + where % size, static_cast<std::uint8_t>(in_.octet()));
        // All that is posted came before, and is known.
    }

    // It writes to all that it has, at any time.
    void scribble() {
        const unsigned octet = in_.octet();
        if (rx_.lied) return;
        for (auto& [id, p] : rx_.out) std::memset(p.pieces[0].data(), static_cast<int>(octet), p.pieces[0].length);
    }

    void receive() {
        uk::packet p = net_->receive();
        if (!p) return after_stop();
        require(p.size() != 0 && p.size() <= os_->buffers.store().capacity() - 14, "a frame fits into its buffer");
        octets was(p.contents().begin(), p.contents().end());
        if (held_.size() == 4) held_.pop_front();
        held_.emplace_back(std::move(p), std::move(was));
    }
    void send() {
        uk::outgoing out{os_->buffers.store().take()};
        if (!out.head) return;
        const unsigned n = in_.octet();
        std::memset(out.head.push_back(14 + n).data(), static_cast<int>(n), 14 + n);
        static constexpr std::array<std::byte, 256> body{};
        if ((n & 1) != 0) out.body = uk::bytes(body).first(1 + n / 2);
        (void)net_->send(std::move(out));
        after_stop();
    }
    void flushed() {
        after_stop();
        look();
    }
    // A device that was reset has nothing any more.
    void after_stop() {
        if (net_->counters().stopped == 0 || net_->buffers_held() != 0) return;
        rx_.out.clear();
        tx_.out.clear();
    }

    input& in_;
    std::unique_ptr<fake::os<buffers>> os_;
    watched rx_{os_->card.queues[0]};
    watched tx_{os_->card.queues[1]};
    int begun_ = 0;
    driver* net_ = nullptr;
    std::deque<std::pair<uk::packet, octets>> held_;
    alignas(driver) std::byte memory_[sizeof(driver)];
};

// An entropy device that claims what it likes.
void draw_entropy(input& in) {
    using driver = virtio_rng<virtio_rng_options{.looks = 100}, fake::transport>::in<fake::os<1>>;
    const auto os = std::make_unique<fake::os<1>>();
    fake::queue& q = os->card.queues[0];
    os->card.queues[0].most = in.octet();
    os->card.resets = in.octet() % 4 != 3;
    os->card.on_ring = [&](std::uint16_t) {
        for (unsigned n = 0; q.waiting() != 0 && n < 8; ++n) {
            const auto id = q.take();
            const auto pieces = q.pieces(id);
            require(pieces.size() == 1 && pieces[0].length <= 64, "what is asked for is small");
            std::memset(pieces[0].data(), 0xee, pieces[0].length);
            const unsigned what = in.octet();
            if (what == 0) return;
            if ((what & 2) != 0) q.give(in.number(), in.number());
            if ((what & 4) != 0) q.jump(static_cast<std::uint16_t>(in.word()));
            if ((what & 8) == 0) q.give(id, (what & 1) != 0 ? in.number() : pieces[0].length);
        }
    };
    driver rng(*os);
    while (!in.empty()) {
        octets out(in.octet() % 200);
        (void)rng.fill(out);
    }
}

// A machine whose PCI functions and MMIO windows are what the input says: what is found lies inside of its windows.
void find(input& in) {
    const auto os = std::make_unique<fake::bus_os>();
    const auto registers = std::make_unique<fake::region>(0x8'0000'0000);
    const auto table = std::make_unique<fake::region>(0xfebd'0000);
    const auto windows = std::make_unique<fake::region>(0xfeb0'0000);
    os->bus.regions = {registers.get(), table.get(), windows.get()};
    const unsigned how = in.octet();
    os->bus.pci = (how & 1) == 0;
    os->bus.functions[8] = fake::make_pci(0x1041);
    if ((how & 2) != 0) os->bus.functions[9] = fake::make_pci(0x1044);
    fake::make_mmio(*windows, 0, (how & 4) != 0 ? 4 : 1, how >> 3 & 3);
    os->bus.slots = {{0xfeb0'0000, (how & 32) != 0 ? in.word() : 512, 7}};
    os->bus.claimed_slots = (how & 64) != 0 ? in.word() : 0;
    const unsigned changes = in.octet() % 32;
    for (unsigned i = 0; i < changes; ++i) {
        const unsigned at = in.octet() & 0xfcU;
        os->bus.functions[8 + (at & 1)][at] = in.number();
    }
    for (fake::region* r : {registers.get(), windows.get()}) {
        const uk::bytes content = in.piece();
        uk::copy(uk::writable_bytes(r->octets).subspan(r == windows.get() ? 16 : 0), content);
    }
    virtio_pci_or_mmio::device_type device;
    virtio_pci_or_mmio::find(*os, virtio_type::network, true, device);
    require(os->bus.bad_offsets == 0, "configuration space is read where it is");
    require(os->bus.reads < 20'000, "a search comes to its end");
    if (!device) return;
    device.write(virtio_reg::queue_select, 1);
    (void)device.read(virtio_reg::queue_size_max);
    (void)device.wake_by_queue(true);
    for (std::uint32_t at = 0; at < 64; at += 4) (void)device.config<std::uint32_t>(at);
    if (auto bell = device.doorbell(1)) bell.ring();
    device.acknowledge();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    switch (in.octet() % 4) {
        case 0: network<plain>(in).run(); break;
        case 1: network<rich>(in).run(); break;
        case 2: draw_entropy(in); break;
        default: find(in); break;
    }
    return 0;
}
