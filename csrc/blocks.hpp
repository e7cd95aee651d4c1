// Cuts the tree of an index set into blocks: all indices with the same first D - 2 entries.
//
// Problem   Runs of the last entry alone are short where the set is a cross: half of them hold two indices, and a run costs as
//           much as five.
// Method    A large block is cut into segments, long runs along either of its two axes: rows up to some s, the columns beyond
//           it, with s such that there are fewest. Of small blocks the products of both functions are kept, if enough blocks
//           share them; a block is then one list of products.
// Cost      one look at every fiber, and at every index where segments change the order.
#pragma once
#include <cstddef>
#include <vector>

#include "tree.hpp"

namespace specfast {

class BlockPlan {
  public:
    // Throws std::invalid_argument where the tree is not one of these sizes with `size` indices; nothing else may be walked.
    BlockPlan(const Tree& tree, int64_t size);
    Blocks blocks() const;

  private:
    void find_shapes(const Tree& tree);
    void choose_pairs();
    void cut(std::size_t shape);
    void list_pairs(std::size_t shape);
    void set_order(int64_t size);

    std::vector<Block> blocks_;
    std::vector<Shape> shapes_;
    std::vector<std::vector<int32_t>> rows_;  // of every shape, the lengths of its fibers
    std::vector<int64_t> uses_;               // of every shape
    std::vector<Segment> segments_;
    std::vector<int32_t> places_;
    std::vector<Pair> pairs_;
    std::vector<int32_t> pair_rows_;  // the set of kept pairs: the lengths of its rows
    std::vector<int64_t> order_;
};

}  // namespace specfast
