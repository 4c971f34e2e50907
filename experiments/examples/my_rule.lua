-- The rule of my_rule.c: the teacher pauses while the gap, smoothed over batches, is wider than a limit.
limit, memory = 0.6, 0.9
smoothed, batches = 0, 0          -- global numbers are remembered in checkpoints
observe = {"smoothed"}            -- observed.smoothed becomes value1 in steps.jsonl

function decide(batch)
  local before = batches > 0 and memory or 0
  smoothed = before * smoothed + (1 - before) * batch.gap
  batches = batches + 1
  observed.smoothed = smoothed
  return smoothed > limit and "expert" or "learning"
end
