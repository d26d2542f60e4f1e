export default {};
export const loader = {};
