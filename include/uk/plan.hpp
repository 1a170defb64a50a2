// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/part.hpp>
#include <uk/text.hpp>

#include <array>
#include <cstddef>
#include <string_view>

/// Which parts a stack takes and in what order it constructs them, computed as a value over a table of rows. Templates
/// only turn the finished plan into a type, so a mistake is found once and said once.
namespace uk::detail {

enum class fault { none, missing, ambiguous, twice, cycle };

template <std::size_t Rows>
struct plan {
    fault what = fault::none;
    std::size_t part = 0;             ///< whom the fault is about
    std::size_t other = 0;            ///< the second party of `ambiguous` and `cycle`
    const port_info* port = nullptr;  ///< the port it is about
    std::array<std::size_t, Rows> order{};
    std::size_t used = 0;
};

template <std::size_t Rows>
class planner {
public:
    consteval explicit planner(const std::array<part_row, Rows>& table) : table_(table) {}

    /// Takes every listed part and what it leads to. Goes on after a fault with what can still be placed, so that one
    /// mistake does not call forth a second message.
    consteval plan<Rows> make() {
        find_twins();
        for (std::size_t i = 0; i < Rows; ++i) {
            if (!table_[i].offered) place(i);
        }
        return plan_;
    }

private:
    enum class mark : char { unseen, open, placed, failed };

    constexpr void report(fault what, std::size_t part, std::size_t other, const port_info* port) {
        if (plan_.what != fault::none) return;
        plan_.what = what;
        plan_.part = part;
        plan_.other = other;
        plan_.port = port;
    }

    constexpr void find_twins() {
        for (std::size_t i = 0; i < Rows; ++i) {
            for (std::size_t j = i + 1; j < Rows; ++j) {
                if (table_[i].offered || table_[j].offered) continue;
                if (table_[i].type == table_[j].type) report(fault::twice, i, j, nullptr);
                for (std::size_t k = 0; k < table_[i].provides.size; ++k) {
                    const port_info* port = table_[i].provides.first[k];
                    if (table_[j].provides.contains(*port)) report(fault::ambiguous, i, j, port);
                }
            }
        }
    }

    constexpr std::size_t provider(const port_info* port) const {
        for (bool offered : {false, true}) {
            for (std::size_t i = 0; i < Rows; ++i) {
                if (table_[i].offered == offered && table_[i].provides.contains(*port)) return i;
            }
        }
        return Rows;
    }

    constexpr bool place(std::size_t i) {
        if (marks_[i] != mark::unseen) return marks_[i] == mark::placed;
        marks_[i] = mark::open;
        bool ok = true;
        const port_list& needs = table_[i].needs;
        for (std::size_t k = 0; k < needs.size; ++k) {
            const std::size_t who = provider(needs.first[k]);
            if (who == Rows) {
                report(fault::missing, i, i, needs.first[k]);
                ok = false;
            } else if (marks_[who] == mark::open) {
                report(fault::cycle, i, who, needs.first[k]);
                ok = false;
            } else {
                ok = place(who) && ok;
            }
        }
        marks_[i] = ok ? mark::placed : mark::failed;
        if (ok) plan_.order[plan_.used++] = i;
        return ok;
    }

    const std::array<part_row, Rows>& table_;
    std::array<mark, Rows> marks_{};
    plan<Rows> plan_;
};

/// The sentence for the fault of a plan: part, port and remedy.
template <std::size_t Rows>
consteval sentence explain(const plan<Rows>& p, const std::array<part_row, Rows>& table, std::string_view target) {
    sentence s;
    if (p.what == fault::none) return s;
    const std::string_view part = table[p.part].name;
    const std::string_view other = table[p.other].name;
    s << "uk::stack: ";
    switch (p.what) {
        case fault::missing:
            s << part << " needs " << p.port->name << ", but no part provides it";
            if (!target.empty()) s << " and target " << target << " offers none";
            s << "; " << p.port->remedy << ".";
            break;
        case fault::ambiguous:
            s << p.port->name << " is provided by both " << part << " and " << other << "; keep one of them.";
            break;
        case fault::twice: s << part << " is listed twice; keep one of them."; break;
        case fault::cycle:
            s << part << " needs " << p.port->name << " of " << other << ", which needs " << part
              << " in turn; break the circle.";
            break;
        case fault::none: break;
    }
    return s;
}

}  // namespace uk::detail
