// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/arch/sim_seat.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace uk::sim {

/// The cables of a world: two seats joined directly, or any number on a switch, each direction with its own quality.
class wire {
public:
    explicit wire(world& in) : in_(in) {}
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;

    /// A cable from `a` to `b`.
    void join(seat& a, seat& b, const quality& there, const quality& back) {
        a.outlet = &add(there, &seat::arrive, &b, 0);
        b.outlet = &add(back, &seat::arrive, &a, 0);
    }

    /// A cable from `s` to the switch.
    void attach(seat& s, const quality& up, const quality& down) {
        s.outlet = &add(up, &switched, this, ends_.size());
        pipe& to_seat = add(down, &seat::arrive, &s, 0);
        ends_.push_back({s.address(), &to_seat});
    }

    /// All directions, in the order in which they were laid.
    const std::vector<std::unique_ptr<pipe>>& pipes() const { return pipes_; }

private:
    struct end {
        mac address;
        pipe* down;
    };

    pipe& add(const quality& q, pipe::sink to, void* context, std::uint64_t value) {
        const std::uint64_t stream = std::uint64_t{0x70697065} << 32 | pipes_.size();
        pipes_.push_back(std::make_unique<pipe>(in_, q, stream, to, context, value));
        return *pipes_.back();
    }

    // A switch that knows where everybody is: to one port, or to all but that of origin.
    static void switched(void* context, std::uint64_t from, frame&& f) {
        auto& self = *static_cast<wire*>(context);
        mac to{};
        if (f.size() >= to.octets.size()) {
            for (std::size_t i = 0; i < to.octets.size(); ++i) to.octets[i] = std::to_integer<std::uint8_t>(f[i]);
        }
        for (std::size_t i = 0; i < self.ends_.size(); ++i) {
            if (i == from || !(to.is_group() || self.ends_[i].address == to)) continue;
            frame copy = self.in_.fresh_frame();
            copy.assign(f.begin(), f.end());
            self.ends_[i].down->carry(std::move(copy));
        }
        self.in_.let_go(std::move(f));
    }

    world& in_;
    std::vector<std::unique_ptr<pipe>> pipes_;
    std::vector<end> ends_;
};

}  // namespace uk::sim
