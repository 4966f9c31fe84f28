import { fencesContract } from '../contract/fences.ts';
import { lowdbHarness } from './lowdb-harness.ts';

fencesContract('lowdb', lowdbHarness());
