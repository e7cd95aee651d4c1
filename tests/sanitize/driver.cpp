// Runs every kernel of every instruction set over many shapes, strides and values, for the sanitizers: no Python, no OpenMP.
//
// Usage     driver [rounds]; exits with 1 if a result is wrong, and however the sanitizer ends it if it finds something.
// Checks    <synthesize(c), v> = <c, adjoint(v)> where values are finite; sentinels after every output; NaN and infinity stay in
//           their own element.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "../../csrc/affine_map.hpp"
#include "../../csrc/blocks.hpp"
#include "../../csrc/derivative_plan.hpp"
#include "../../csrc/kernels.hpp"

using namespace specfast;

namespace {

// Tables of one family for `count` functions: 0 Hermite, 1 Laguerre, 2 Legendre.
template <class T>
struct Tables {
    std::vector<T> a, b, r, kappa;
    std::vector<double> scale, end;
    Recurrence<T> recurrence{};

    Tables(int family, int64_t count) {
        std::vector<double> s(count + 2, 1.0);
        const auto lower = [&](double n) {
            if (family == 0) return std::sqrt(n / (n + 1));
            if (family == 1) return n / (n + 1);
            return n / (n + 1) * std::sqrt((2 * n + 3) / std::fabs(2 * n - 1));
        };
        double value = family == 2 ? std::sqrt(0.5) : 1.0;
        for (int64_t n = 0; n < count; ++n) {
            const double d = static_cast<double>(n);
            if (n > 0) s[n + 1] = lower(d) * s[n - 1];
            const double ratio = s[n] / s[n + 1];
            const double slope = family == 0   ? std::sqrt(2 / (d + 1))
                                 : family == 1 ? -1 / (d + 1)
                                               : std::sqrt((2 * d + 1) * (2 * d + 3)) / (d + 1);
            a.push_back(static_cast<T>(slope * ratio));
            if (family == 1) b.push_back(static_cast<T>((2 * d + 1) / (d + 1) * ratio));
            scale.push_back(s[n]);
            if (family == 0) continue;
            r.push_back(static_cast<T>(d / (d + 1)));
            kappa.push_back(static_cast<T>((family == 1 ? 1 : 2 * d + 1) / (d + 1)));
            end.push_back(value);
            value *= family == 1 ? 1.0 : std::sqrt((2 * d + 3) / (2 * d + 1));
        }
        const double reach = 1.5 * (family == 0 ? std::sqrt(2.0 * count + 1) : 4.0 * count) + 1700;
        const bool single = sizeof(T) == 4;
        const double infinity = std::numeric_limits<double>::infinity();
        const double near[] = {single ? 9.0 : 26.0, single ? 80.0 : 650.0, infinity};
        const double close[] = {0.0, 8.0, 0.01};
        recurrence = {count,
                      a.data(),
                      b.empty() ? nullptr : b.data(),
                      r.empty() ? nullptr : r.data(),
                      kappa.data(),
                      scale.data(),
                      end.data(),
                      Start(family),
                      near[family],
                      family == 2 ? infinity : reach,
                      close[family]};
    }
};

struct Problem {
    int family;
    int64_t rows, size, points, step;
    bool shared, invalid;
};

template <class Data>
std::vector<Data> numbers(std::mt19937& random, int64_t count, double low, double high) {
    std::uniform_real_distribution<double> uniform(low, high);
    std::vector<Data> result(static_cast<size_t>(count));
    for (Data& value : result) value = static_cast<Data>(uniform(random));
    return result;
}

template <class Data>
bool untouched(const std::vector<Data>& output) {
    return output.back() == static_cast<Data>(12345);
}

template <class Data>
std::vector<Data> output(int64_t count) {
    std::vector<Data> result(static_cast<size_t>(count) + 1);
    result.back() = static_cast<Data>(12345);
    return result;
}

template <class Data>
bool run(const Level& level, const Problem& problem, std::mt19937& random) {
    const int64_t rows = problem.rows, size = problem.size, points = problem.points, step = problem.step;
    const int64_t count = size + (problem.family == 0 ? 1 : 0);
    Tables<double> wide(problem.family, count);
    Tables<float> narrow(problem.family, count);
    const std::vector<double> zeros(static_cast<size_t>(count), 0.0), ones(static_cast<size_t>(count), 1.0);
    Series series{};
    series.recurrence = wide.recurrence;
    series.single = narrow.recurrence;
    series.differentiation = {count, zeros.data(), zeros.data(), zeros.data(), ones.data(), zeros.data()};
    series.coefficients = size;
    series.derivative = 1;
    const double low[] = {-60.0, 0.0, -1.0}, high[] = {60.0, 900.0, 1.0};
    std::vector<Data> z = numbers<Data>(random, rows * points * step + 1, low[problem.family], high[problem.family]);
    const std::vector<Data> coef = numbers<Data>(random, rows * size * step + 1, -1, 1);
    const std::vector<Data> values = numbers<Data>(random, rows * points * step + 1, -1, 1);
    if (problem.invalid && points > 2 && rows > 0) {
        z[0] = std::numeric_limits<Data>::quiet_NaN();
        z[static_cast<size_t>(step)] = std::numeric_limits<Data>::infinity();
    }
    Rows lead{};
    lead.axes = 1;
    lead.size[0] = rows;
    const Operand c{coef.data(), {size * step}, step}, v{values.data(), {points * step}, step};
    const Operand at{z.data(), {problem.shared ? 0 : points * step}, step};
    const bool is_double = sizeof(Data) == 8;
    auto sums = output<Data>(rows * points), slopes = output<Data>(rows * points),
         table = output<Data>(rows * points * size);
    auto back = output<Data>(rows * size), both = output<Data>(rows * size), changed = output<Data>(rows * count);
    level.synthesize(series, lead, c, at, points, sums.data(), is_double);
    level.adjoint(series, lead, v, at, points, back.data(), is_double);
    level.backward(series, lead, v, c, at, points, both.data(), slopes.data(), is_double);
    level.vandermonde(series, lead, at, points, table.data(), false, is_double);
    level.vandermonde(series, lead, at, points, table.data(), true, is_double);
    const Operand whole{table.data(), {0}, 1};
    if (rows * points * size >= count) {
        level.differentiate(series.differentiation, lead, whole, changed.data(), problem.shared, is_double);
    }
    bool good = untouched(sums) && untouched(slopes) && untouched(table) && untouched(back) && untouched(both) &&
                untouched(changed);
    double left = 0, right = 0, norm = 1;
    for (int64_t row = 0; row < rows; ++row) {
        for (int64_t m = 0; m < points; ++m) {
            const double sum = static_cast<double>(sums[row * points + m]);
            const double weight = static_cast<double>(values[(row * points + m) * step]);
            const bool odd_one = problem.invalid && points > 2 && m < 2 && (row == 0 || problem.shared);
            good = good && (odd_one || std::isfinite(sum));
            left += sum * weight;
            norm += std::fabs(sum * weight);
        }
        for (int64_t n = 0; n < size; ++n) {
            right += static_cast<double>(back[row * size + n]) * static_cast<double>(coef[(row * size + n) * step]);
        }
    }
    if (!problem.invalid) good = good && std::fabs(left - right) <= (is_double ? 1e-9 : 2e-2) * norm;
    if (!good)
        std::printf("wrong: %s family %d rows %ld size %ld points %ld step %ld: %g %g\n", level.name, problem.family,
                    long(rows), long(size), long(points), long(step), left, right);
    return good;
}

// The runs of a cross of `dim` axes: prod max(1, n_d) <= degree.
std::vector<int32_t> cross_runs(int dim, int64_t degree, int64_t& size) {
    std::vector<int64_t> entry(static_cast<size_t>(dim), 0);
    std::vector<int32_t> runs;
    size = 0;
    for (int32_t shared = 0; shared >= 0;) {
        int64_t product = 1;
        for (int d = 0; d < dim - 1; ++d) product *= entry[d] > 1 ? entry[d] : 1;
        const auto length = static_cast<int32_t>(degree / product + 1);
        runs.push_back(shared);
        runs.push_back(length);
        size += length;
        for (shared = dim - 2; shared >= 0; --shared) {
            ++entry[shared];
            product = 1;
            for (int d = 0; d <= shared; ++d) product *= entry[d] > 1 ? entry[d] : 1;
            if (product <= degree) break;
            entry[shared] = 0;
        }
    }
    return runs;
}

struct CrossProblem {
    int dim, width;
    int64_t degree, rows, groups, points;
    bool shared;
};

template <class Data>
bool run_cross(const Level& level, const CrossProblem& problem, std::mt19937& random) {
    const int dim = problem.dim;
    const int64_t functions = problem.degree + 1, count = functions + 1, points = problem.points;
    const std::vector<double> zeros(static_cast<size_t>(count), 0.0), ones(static_cast<size_t>(count), 1.0);
    std::vector<Tables<double>> wide;
    std::vector<Tables<float>> narrow;
    for (int family = 0; family < 3; ++family) {
        wide.emplace_back(family, count);
        narrow.emplace_back(family, count);
    }
    Series own[3][2];
    for (int family = 0; family < 3; ++family) {
        for (int derivative = 0; derivative < 2; ++derivative) {
            own[family][derivative] = {wide[family].recurrence,
                                       narrow[family].recurrence,
                                       {count, zeros.data(), zeros.data(), zeros.data(), ones.data(), zeros.data()},
                                       functions,
                                       derivative};
        }
    }
    Cross cross{};
    const std::vector<int32_t> runs = cross_runs(dim, problem.degree, cross.size);
    cross.dim = dim;
    Tree tree{dim, static_cast<int64_t>(runs.size() / 2), runs.data(), {}};
    const Series* slopes[max_dimensions];
    const int64_t rows = problem.rows, channels = problem.groups * problem.width;
    std::vector<Data> z = numbers<Data>(random, rows * points * dim + 1, 0, 1);
    const double reach[] = {45.0, 700.0, 1.0};
    for (int d = 0; d < dim; ++d) {
        const int family = std::uniform_int_distribution<int>(0, 2)(random);
        tree.sizes[d] = functions;
        cross.series[d] = &own[family][0];
        slopes[d] = &own[family][1];
        for (int64_t i = 0; i < rows * points; ++i) z[i * dim + d] *= static_cast<Data>(reach[family]);
    }
    cross.rows = rows;
    cross.groups = problem.groups;
    cross.width = problem.width;
    cross.points = points;
    cross.z = z.data();
    cross.z_row = points * dim;
    cross.z_point = dim;
    cross.z_axis = 1;
    cross.coef_row = problem.shared ? 0 : channels * cross.size;
    const int64_t coefficients = (problem.shared ? 1 : rows) * channels * cross.size;
    const std::vector<Data> coef = numbers<Data>(random, coefficients + 1, -1, 1);
    const std::vector<Data> values = numbers<Data>(random, rows * channels * points + 1, -1, 1);
    auto sums = output<Data>(rows * channels * points), back = output<Data>(rows * channels * cross.size);
    auto gradient = output<Data>(rows * channels * points * dim);
    const bool is_double = sizeof(Data) == 8;
    const BlockPlan plan(tree, cross.size);
    cross.blocks = plan.blocks();
    level.cross_synthesize(cross, coef.data(), sums.data(), is_double);
    level.cross_adjoint(cross, values.data(), back.data(), is_double);
    bool good = untouched(sums) && untouched(back);
    double left = 0, right = 0, norm = 1;
    for (int64_t i = 0; i < rows * channels * points; ++i) {
        const double part = static_cast<double>(sums[i]) * static_cast<double>(values[i]);
        left += part;
        norm += std::fabs(part);
    }
    for (int64_t place = 0; place < rows * channels; ++place) {
        const int64_t row = problem.shared ? 0 : place / channels, channel = place % channels;
        const int64_t first = row * channels * cross.size + channel / problem.width * cross.size * problem.width;
        for (int64_t n = 0; n < cross.size; ++n) {
            const Data c = coef[static_cast<size_t>(first + n * problem.width + channel % problem.width)];
            right += static_cast<double>(back[static_cast<size_t>(place * cross.size + n)]) * static_cast<double>(c);
        }
    }
    if (problem.width == 1) {
        level.cross_gradient(cross, slopes, nullptr, coef.data(), nullptr, gradient.data(), is_double);
        auto both = output<Data>(rows * channels * cross.size), scaled = output<Data>(rows * channels * points * dim);
        level.cross_gradient(cross, slopes, values.data(), coef.data(), both.data(), scaled.data(), is_double);
        good = good && untouched(gradient) && untouched(both) && untouched(scaled);
        for (int64_t i = 0; i < rows * channels * points * dim; ++i) {
            const double expected = static_cast<double>(gradient[i]) * static_cast<double>(values[i / dim]);
            good = good && std::fabs(static_cast<double>(scaled[i]) - expected) <=
                               (is_double ? 1e-9 : 1e-2) * (1 + std::fabs(expected)) * static_cast<double>(cross.size);
        }
        for (int64_t i = 0; i < rows * channels * cross.size; ++i)
            good = good && std::fabs(static_cast<double>(both[i] - back[i])) <= (is_double ? 1e-9 : 1e-2) * points;
    }
    if (problem.width == 1) {
        std::vector<const Series*> series;
        std::vector<int> first{0};
        std::vector<int32_t> slots;
        for (int d = 0; d < dim; ++d) {
            series.insert(series.end(), {cross.series[d], slopes[d]});
            first.push_back(2 * (d + 1));
        }
        for (int j = 0; j < dim + 1; ++j)
            for (int d = 0; d < dim; ++d) slots.push_back(d == j - 1);
        const DerivativePlan wanted(dim, series, first, slots);
        auto several = output<Data>(rows * channels * points * (dim + 1));
        level.cross_derivatives(cross, wanted.orders(), coef.data(), several.data(), is_double);
        good = good && untouched(several);
        for (int64_t place = 0; place < rows * channels; ++place)
            for (int64_t i = 0; i < points; ++i)
                good = good &&
                       std::fabs(static_cast<double>(several[place * (dim + 1) * points + i] -
                                                     sums[place * points + i])) <= (is_double ? 1e-9 : 1e-2) * norm;
    }
    good = good && std::fabs(left - right) <= (is_double ? 1e-9 : 2e-2) * norm;
    std::vector<int32_t> broken = runs;
    broken[broken.size() - 1] += 1;
    tree.runs = broken.data();
    try {
        const BlockPlan refused(tree, cross.size);
        good = false;
    } catch (const std::invalid_argument&) {
    }
    if (!good)
        std::printf("wrong: %s cross of %d axes, degree %ld, rows %ld, %ld x %d channels, points %ld: %g %g\n",
                    level.name, dim, long(problem.degree), long(rows), long(problem.groups), problem.width,
                    long(points), left, right);
    return good;
}

// Points and coefficients of random sizes and strides, with something behind every result.
template <class T>
bool run_affine_map(std::mt19937& random) {
    const auto pick = [&](int64_t from, int64_t to) {
        return std::uniform_int_distribution<int64_t>(from, to)(random);
    };
    const int dim = int(pick(1, 4));
    const int64_t count = pick(0, 3), points = pick(0, 1) == 1 ? pick(0, 9) : pick(4000, 9000), size = pick(0, 40);
    const int64_t step = pick(1, 3);
    const bool wrong = pick(0, 3) == 0;
    AffineMap map{dim, {}, -2.0};
    for (int d = 0; d < dim; ++d)
        map.axes[d] = {Domain(pick(0, 2)), pick(0, 1) == 1 ? 1.0 : -1.0, 0.5, 1.0, 1e-6, 0.5 * double(pick(0, 3))};
    std::uniform_real_distribution<double> number(0.6, 1.4);
    const auto draw = [&](int64_t length) {
        std::vector<T> values(static_cast<size_t>(length));
        for (T& value : values) value = T(number(random));
        return values;
    };
    const std::vector<T> x = draw(count * points * dim * step), coef = draw(count * size * step);
    std::vector<T> scale = draw(count * dim), shift = draw(count * dim), z(size_t(count * points * dim + 1), T(77)),
                   result(size_t(count * size + 1), T(77));
    if (wrong && count > 0) scale[size_t(pick(0, count * dim - 1))] = std::numeric_limits<T>::quiet_NaN();
    const Rows rows{1, {count}};
    const Operand at_x{x.data(), {points * dim * step}, dim * step}, at_coef{coef.data(), {size * step}, step};
    const Operand at_scale{scale.data(), {dim}, 1}, at_shift{shift.data(), {dim}, 1};
    const bool is_double = sizeof(T) == 8;
    const Trouble mapped = map_points(map, rows, at_x, step, at_scale, at_shift, points, z.data(), is_double);
    const Trouble scaled = scale_coefficients(map, rows, at_coef, at_scale, size, result.data(), is_double);
    bool good = z.back() == T(77) && result.back() == T(77);
    if (wrong && count > 0) good = good && scaled == Trouble::scale && (points == 0 || mapped == Trouble::scale);
    for (int64_t i = 0; good && mapped == Trouble::none && i < count * points * dim; ++i) {
        const int64_t d = i % dim, row = i / (points * dim);
        const MappedAxis& axis = map.axes[d];
        const bool interval = axis.domain == Domain::interval;
        const double beta = interval ? 0.5 : double(scale[size_t(row * dim + d)]);
        const double wanted =
            axis.sign * beta * (double(x[size_t(i * step)]) - (interval ? 1.0 : double(shift[size_t(row * dim + d)])));
        good = std::fabs(double(z[size_t(i)]) - wanted) < 1e-5;
    }
    if (!good) std::printf("wrong: map of %ld rows, %ld points, %d axes\n", long(count), long(points), dim);
    return good;
}

bool all(unsigned seed, int rounds) {
    std::mt19937 random(seed);
    const auto pick = [&](int64_t from, int64_t to) {
        return std::uniform_int_distribution<int64_t>(from, to)(random);
    };
    const Level* levels[8];
    const int count = available_levels(levels, 8);
    bool good = true;
    for (int round = 0; round < rounds; ++round) {
        const bool large = round % 10 == 9;
        const Problem problem{
            int(pick(0, 2)), pick(0, 3),     pick(1, large ? 700 : 40), pick(0, large ? 1500 : 80), pick(1, 3),
            pick(0, 1) == 1, pick(0, 3) == 0};
        for (int i = 0; i < count; ++i) {
            good = run<double>(*levels[i], problem, random) && good;
            good = run<float>(*levels[i], problem, random) && good;
        }
        good = run_affine_map<double>(random) && run_affine_map<float>(random) && good;
        if (round % 4 != 0) continue;
        const CrossProblem cross{int(pick(2, 5)), pick(0, 1) == 1 ? 4 : 1, pick(0, 9), pick(1, 2), pick(1, 2),
                                 pick(1, 70),     pick(0, 1) == 1};
        for (int i = 0; i < count; ++i) {
            good = run_cross<double>(*levels[i], cross, random) && good;
            good = run_cross<float>(*levels[i], cross, random) && good;
        }
    }
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
    bool good[3];
    std::thread first([&] { good[0] = all(1, rounds); }), second([&] { good[1] = all(2, rounds); });
    good[2] = all(3, rounds);
    first.join();
    second.join();
    std::puts(good[0] && good[1] && good[2] ? "all right" : "failed");
    return good[0] && good[1] && good[2] ? 0 : 1;
}
