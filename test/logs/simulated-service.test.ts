/** The simulated service that the engine is tested on keeps the same contract as the real adapter. */
import { describeLogSource } from '../contract/log-source.ts';
import { SimulatedService } from './simulated-service.ts';

for (const lead of [true, false])
  describeLogSource(`the simulated service${lead ? '' : ' that leaves no room in its pages'}`, {
    open: async (_job, streams) => ({
      source: new SimulatedService(
        streams.map(({ name, events }) => ({ name, events: [...events] })),
        {
          seed: 7,
          pageEvents: 900,
          partial: 0.3,
          empty: 0.05,
          emptyRun: 3,
          throttle: 0.1,
          fail: 0.1,
          tokenLife: 0,
          secondLane: true,
          quotaLasts: 8,
          secondLaneDenied: false,
          hintError: 0,
          lead,
        },
      ),
      close: async () => {},
    }),
    backward: true,
    secondLane: true,
  });
