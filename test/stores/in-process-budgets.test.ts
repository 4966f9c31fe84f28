import { InProcessBudgets } from '../../src/stores/in-process-budgets.ts';
import { budgetsContract } from '../contract/budgets.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

budgetsContract('in one process', async () => {
  const time = handTimers();
  const budgets = new InProcessBudgets(time.clock);
  return { join: () => budgets, advance: async (ms) => time.sleep(ms) };
});
